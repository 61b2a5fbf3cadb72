"""An account's evidence in words: each proven event as it was recorded, which of them are of a period, and how the account stood at both its ends.

Law: an event is told by its line of evidence alone, so that who has both can compare them. Of a person who was erased ``personal`` is null.
"""

from base64 import b64decode
from typing import Any, NamedTuple, get_args

from exposure.judging import day_before
from exposure.ledger.acts.policies import adopted
from exposure.ledger.proof.evidence import streams_of
from exposure.rules import terms
from projections.account import Asked, NotKnownBefore, UnknownAccount, account_known, known_instant, refuse_unknown, show
from projections.history import decided, told
from projections.origins import Origins
from projections.policies import row as adoption
from projections.when import instant_text, microseconds_of
from schemas.amends import OfAmends
from schemas.dunning import OfDunning
from schemas.facts import AlertAct, OfAlert, OfLimit, OfRelease, OrderChecked
from schemas.jsontext import read
from schemas.measures import OfMeasure
from schemas.policies import DEFAULT
from schemas.policy_text import written
from schemas.stored import OURS

PARTS: dict[str, tuple[Any, ...]] = {
    "decisions": (OrderChecked,),
    "approvals": (*get_args(OfLimit), *get_args(OfRelease)),
    "alerts": (*get_args(OfAlert), *get_args(AlertAct)),
    "dunning": get_args(OfDunning),
    "measures": get_args(OfMeasure),
    "corrections": get_args(OfAmends),
}
"""Parts of a history that are told by themselves as well, and the events that they have."""
PART_OF = {topic: part for topic, kind in OURS.items() for part, kinds in PARTS.items() if kind in kinds}


EARLIEST = "Pacific/Kiritimati"
"""Where every day ends first."""


class Period(NamedTuple):
    """Days of the account, both included. It begins behind an instant and is told as known at another one (µs): the end of its last day, or now."""

    first: str
    last: str
    before: int
    known_at: int


def period_of(moment: Any, account: str, now: int, first: str, last: str) -> Period:
    """In the time zone that was known when the period ended, so that one that is over stays what it is. Raises ``UnknownAccount``."""
    until = known_instant(moment, Asked(now))
    refuse_unknown(moment, account, None)
    zone = zone_known(moment, account, min(end_of(last, EARLIEST), until))
    zone = zone_known(moment, account, min(end_of(last, zone), until))
    return Period(first, last, end_of(day_before(first), zone), min(end_of(last, zone), until))


def zone_known(moment: Any, account: str, at: int) -> str:
    try:
        return terms.zone_of(account_known(moment, account, Asked(at, None, at))[1].customer)
    except UnknownAccount:
        return terms.zone_of([])


def end_of(day: str, zone: str) -> int:
    return microseconds_of(terms.last_instant(day, zone))


def unproven_from(moment: Any, account: str, position: int, known_at: int) -> str | None:
    """When the first event was recorded that belongs to an account's evidence, stands behind a position and was known by an instant: a checkpoint of
    that position proves nothing of it."""
    at = moment.recorded_behind(streams_of(moment, account), position)
    return None if at is None or at > known_at else instant_text(at)


def event(line: dict[str, Any], account: str, key: bytes | None, origins: Origins, period: Period) -> dict[str, Any]:
    """One line of evidence in words, its data as it stands in what was hashed; where it stood in its input is beside it, and not hashed."""
    state = b64decode(line["state"])
    position, stream, version, topic, at, actor = (line[name] for name in ("position", "stream", "version", "topic", "recorded_at", "actor"))
    if stream == f"account:{account}":
        said = {**told(account, key, origins.of(position), position, version, topic, state, at, actor), "data": read(state)["data"]}
    else:
        said = {**decided(position, stream, version, topic, state, at, actor), "data": read(state)}
    return {"position": position, "stream": stream, **said, "in_period": period.before < at <= period.known_at, "hash": line["hash"]}


def ends(moment: Any, account: str, now: int, period: Period) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The figures of the day before the period and of its last one, each as known when that day ended; none where nothing was known."""
    first, last = ((day_before(period.first), period.before), (period.last, period.known_at))
    return figures(moment, account, Asked(now, *first)), figures(moment, account, Asked(now, *last))


def figures(moment: Any, account: str, asked: Asked) -> dict[str, Any] | None:
    try:
        return show(moment, account, asked)
    except (UnknownAccount, NotKnownBefore):
        return None


def policies(moment: Any, known_at: int) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """The texts of all policies that were ever in force by an instant, by version, the default first; and when, by whom and why each was adopted."""
    texts, rows = {DEFAULT.version: written(DEFAULT)}, []
    for one in adopted(moment, known_at):
        texts[one.event.version] = one.event.text
        rows.append(adoption(one))
    return texts, rows
