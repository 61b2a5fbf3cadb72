"""Puts the parts together: the command line and its settings."""
