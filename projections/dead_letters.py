"""What could not be taken: where it stood, why, the record itself, and what became of it."""

from base64 import b64encode
from collections.abc import Iterator
from typing import Any

from exposure.ledger.acts.dead_letters import Letter, parts
from projections.when import instant_text
from schemas.amends import DeadLetterErased
from schemas.facts import DeadLetterDiscarded, DeadLetterRetried, OfLetter
from schemas.stored import read_ours

EVER = 1 << 62
RECORD_BYTES_MAX = 1 << 16
"""So much of a record is shown to who is handed the account: it may be as large as anybody wrote it."""
ACTS: dict[type, str] = {DeadLetterRetried: "retried", DeadLetterDiscarded: "discarded", DeadLetterErased: "erased"}


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


def with_acts(moment: Any, account: str, known_at: int) -> Iterator[dict[str, Any]]:
    """Every dead letter of an account that was recorded by an instant: those that were open then, and then those that were settled, each with all
    that people did about it by then. ``record_bytes`` is how long its record is, of which the beginning is shown."""
    key = moment.keys([account]).get(account)
    for is_settled in (False, True):
        digests = [row[0] for row in moment.letters_where("digest", is_settled, known_at, account=account)]
        for part in parts(digests):
            letters = {row[0]: Letter(*row) for row in moment.letters(list(part))}
            acts = acts_on(moment, [letter.stream for letter in letters.values()], known_at)
            for letter in (letters[digest] for digest in part):
                raw = letter.opened(key)
                told = shown(letter if is_settled else letter._replace(settled_at=None, outcome=None), key, None)
                told = {name: value for name, value in told.items() if name not in ("by", "why", "record", "record_base64")}
                size = None if raw is None else len(raw)
                yield {**told, "acts": acts.get(letter.stream, []), "record_bytes": size, **readable(raw and raw[:RECORD_BYTES_MAX])}


def acts_on(moment: Any, streams: list[str], known_at: int) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for _, stream, _, topic, state, recorded_at, *_ in moment.events_of(streams):
        event = read_ours(topic, state)
        if recorded_at <= known_at and isinstance(event, OfLetter | DeadLetterErased):
            said = {name: value for name, value in event._asdict().items() if name != "letter"}
            found.setdefault(stream, []).append({"act": ACTS[type(event)], "recorded": instant_text(recorded_at), **said})
    return found
