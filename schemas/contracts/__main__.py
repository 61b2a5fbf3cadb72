"""Writes the contracts anew: ``python -m schemas.contracts``."""

from schemas.contracts import FOLDER, files

fresh = files()
for old in set(FOLDER.glob("*.json")) - fresh.keys():
    old.unlink()
for file, schema in fresh.items():
    file.write_bytes(schema)
