"""What could not be taken: where it stood, why, and the record itself."""

from base64 import b64encode
from typing import Any

from exposure.ledger.keys import unseal
from projections.when import instant_text

EVER = 1 << 62


def dead_letters(moment: Any, account: str | None = None, *, source: str | None = None) -> list[dict[str, Any]]:
    """All dead letters, one account's or one source's, oldest first; the record is missing where its account's key was thrown away."""
    rows = moment.dead_letters(account=account, source=source)
    keys = moment.keys(sorted({row[1] or "" for row in rows}))
    return [shown(row, keys.get(row[1] or "")) for row in rows]


def shown(row: Any, key: bytes | None) -> dict[str, Any]:
    digest, account, source, position, code, reason, sealed, recorded_at = row
    raw = unseal(key, sealed, account or "")
    return {
        "id": digest.hex(),
        "account": account,
        "source": source,
        "position": position,
        "code": code,
        "reason": reason,
        "recorded": instant_text(recorded_at),
        **readable(raw),
    }


def readable(raw: bytes | None) -> dict[str, str | None]:
    """A record as text where it is UTF-8, else as base64; null where it was erased."""
    if raw is None:
        return {"record": None}
    try:
        return {"record": raw.decode()}
    except UnicodeDecodeError:
        return {"record_base64": b64encode(raw).decode()}
