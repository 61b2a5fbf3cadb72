"""What a command shows: tables for people, one JSON document for programs."""

import sys
from dataclasses import asdict
from typing import Any

from schemas.jsontext import written


class Output:
    def __init__(self, json: bool) -> None:
        self.json = json

    def document(self, document: dict[str, Any]) -> None:
        """One JSON document, exactly as the contract says."""
        sys.stdout.buffer.write(written(document) + b"\n")
        sys.stdout.buffer.flush()

    def failure(self, code: str, message: str) -> None:
        if self.json:
            self.document({"error": {"code": code, "message": message}})
        else:
            print(f"exposure: {message}", file=sys.stderr)

    def counts(self, counts: Any) -> None:
        document = asdict(counts)
        if self.json:
            self.document(document)
        else:
            print("  ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in document.items()))

    def account(self, shown: dict[str, Any]) -> None:
        if self.json:
            self.document(shown)
            return
        from service.tables import account_tables

        account_tables(shown)
