"""The engine at work: what consumes, judges, sends and is watched."""
