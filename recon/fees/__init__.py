"""What a line should have cost by contract, and where the provider charged something else."""
