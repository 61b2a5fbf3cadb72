"""The commands that bring data in, and what becomes of what could not be taken."""
