"""The language: facts as stored, the door they come in by, and the contracts of both."""
