"""Stand-ins on this machine for the servers of providers: what `recon demo --live` asks."""
