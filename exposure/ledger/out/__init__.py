"""What goes out, and what is had back from it."""
