"""What a command shows, to people and to programs."""
