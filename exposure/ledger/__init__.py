"""What happened, kept for ever, and what is derived from it."""
