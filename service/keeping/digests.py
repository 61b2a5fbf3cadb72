"""What tells a file from every other one."""

import hashlib
from pathlib import Path


def digest_of(file: Path) -> str:
    """The SHA-256 of its bytes, hexadecimal."""
    with open(file, "rb") as read:
        return hashlib.file_digest(read, "sha256").hexdigest()
