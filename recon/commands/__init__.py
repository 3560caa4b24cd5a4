"""The groups of the `recon` command, one file each; they import what takes time when called."""
