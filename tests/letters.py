"""Dead letters in the hands of a test: records that this engine can read, and an older one could not."""

from typing import Any

from exposure.ledger.carried import Carried
from exposure.ledger.ledger import Ledger
from exposure.ledger.records import Record, Source
from schemas.jsontext import written
from schemas.told import Unreadable
from tests.stores import NOW


def event(id: str, type: str, account: str, data: dict[str, Any]) -> bytes:
    envelope = {"specversion": "1.0", "id": id, "source": "/erp/1000", "type": type, "subject": account, "time": "2026-01-12T09:30:00Z"}
    return written({**envelope, "data": data})


def invoice(number: str, amount: str = "10.00", account: str = "C-9") -> bytes:
    told = {"invoice": number, "date": "2026-01-12", "currency": "EUR", "amount": amount, "due": "2026-02-11"}
    return event(number, "erp.invoice.posted.v1", account, told)


def refused_by_an_older_engine(store: Any, *lines: bytes, account: str | None = "C-9", now: int = NOW, carried: Carried | None = None) -> list[bytes]:
    """Dead letters of records that this engine can read, for it knows their types; returns their digests."""
    unknown = Unreadable("unknown_type", "a type that this engine does not take", account)
    records = [Record(line, place, unknown, carried) for place, line in enumerate(lines)]
    Ledger(store, lambda: now).take(records, Source("test"))
    return [record.digest for record in records]
