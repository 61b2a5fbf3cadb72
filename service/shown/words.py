"""How things are counted in words."""


def counted(many: int, noun: str) -> str:
    """``1 dead letter``, ``2 dead letters``."""
    return f"{many:,} {noun}" + ("" if many == 1 else "s")
