"""What could not be taken: where it stood, why, the record itself, and what became of it."""

from base64 import b64encode
from typing import Any

from exposure.ledger.dead_letters import Letter
from projections.when import instant_text
from schemas.facts import OfLetter
from schemas.stored import read_ours

EVER = 1 << 62


def dead_letters(
    moment: Any,
    account: str | None = None,
    *,
    source: str | None = None,
    code: str | None = None,
    settled: bool = False,
    known_at: int | None = None,
) -> list[dict[str, Any]]:
    """The open dead letters or the settled ones, as known at an instant, all or those of an account, a source or a code, oldest first; the record is
    missing where its account's key was thrown away."""
    found = [Letter(*row) for row in moment.dead_letters(account=account, source=source, code=code, settled=settled, known_at=known_at)]
    letters = found if settled else [letter._replace(settled_at=None, outcome=None) for letter in found]
    keys = moment.keys(sorted({letter.account or "" for letter in letters}))
    events = moment.events_of([letter.stream for letter in letters]) if settled else []
    said = ((stream, read_ours(topic, state)) for _, stream, _, topic, state, *_ in events)
    last = {stream: event for stream, event in said if isinstance(event, OfLetter)}
    return [shown(letter, keys.get(letter.account or ""), last.get(letter.stream)) for letter in letters]


def shown(letter: Letter, key: bytes | None, settled: OfLetter | None) -> dict[str, Any]:
    return {
        "id": letter.digest.hex(),
        "account": letter.account,
        "source": letter.source,
        "position": letter.position,
        "code": letter.code,
        "reason": letter.reason,
        "recorded": instant_text(letter.recorded_at),
        "outcome": letter.outcome,
        "settled": None if letter.settled_at is None else instant_text(letter.settled_at),
        "by": settled.by if settled else None,
        "why": settled.reason if settled else None,
        **readable(letter.opened(key)),
    }


def readable(raw: bytes | None) -> dict[str, str | None]:
    """A record as text where it is UTF-8, else as base64; null where it was erased."""
    if raw is None:
        return {"record": None}
    try:
        return {"record": raw.decode()}
    except UnicodeDecodeError:
        return {"record_base64": b64encode(raw).decode()}
