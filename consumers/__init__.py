"""What comes in: files and records; nothing is decided here."""
