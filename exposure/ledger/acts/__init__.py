"""What people and systems decide of accounts and say to what was told, each as it is recorded."""
