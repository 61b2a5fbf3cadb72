"""The commands that keep the store, prove it, and hand an account to somebody else."""
