"""What one fact changes: pure functions over plain data."""
