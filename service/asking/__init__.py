"""The commands that ask: any day, as known at any instant."""
