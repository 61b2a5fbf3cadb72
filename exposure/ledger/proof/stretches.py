"""A stretch of the log, verified by itself: from the hash of the event before it on, every hash is made again from what stands there.

Law: stretches that join are a log that was verified from end to end, whoever verified each of them, and in whatever order. What a stretch takes as
given, the hash before it and those of the events before it in their streams, is verified where it stands.
"""

from struct import error as NoNumber
from typing import Any, NamedTuple

from exposure.ledger.proof.chain import NOTHING, event_hash
from exposure.merkle import Tree

NOT_BEHIND = "does not follow the event before it in its stream"


class Damage(NamedTuple):
    """The first bad record: where in the log it stands or should, whose it is (``None`` where it is no account's, or nobody can tell), and what is
    wrong."""

    account: str | None
    position: int
    reason: str


class Stretch(NamedTuple):
    """The events behind a position up to another one."""

    after: int
    until: int


class Verified(NamedTuple):
    """How many events of a stretch were found good before the first bad one, the last of them, and the full subtrees of the tree over them, from the
    index on that the first event has where every position before is taken."""

    events: int
    first_bad: Damage | None
    end: tuple[int, bytes]
    first: int
    parts: list[tuple[int, bytes]]


class Begun(NamedTuple):
    """The first event of a stream in a stretch, and its place in it."""

    place: int
    position: int
    stream: bytes
    version: int
    previous_hash: bytes


def verify_stretch(moment: Any, stretch: Stretch) -> Verified:
    """Texts are read as bytes: nothing is sure of any of it."""
    reached, tree = moment.log_end_at(stretch.after), Tree(max(stretch.after, 0))
    position, in_log = reached.position, reached.hash
    hashes: list[bytes] = []
    last: dict[bytes, tuple[int, bytes]] = {}
    begun: list[Begun] = []
    bad = None
    for at, stream, version, topic, state, recorded_at, actor, previous, own, misfit in moment.chained(*stretch):
        if 0 < position >= at:
            bad = Damage(None, position + 1, f"an event of position {at} stands where that one was recorded: the database itself is damaged")
            break
        if misfit is not None:
            bad = missing(moment, position, at) or damaged(
                moment, stream, version, at, f"was altered: its {misfit} is of another type than was recorded"
            )
            break
        try:
            made = event_hash(previous, in_log, at, stream, version, topic, state, recorded_at, actor)
        except (TypeError, NoNumber):
            bad = missing(moment, position, at) or damaged(moment, stream, version, at, "can not be read")
            break
        if made != own:
            bad = missing(moment, position, at) or damaged(moment, stream, version, at, "was altered, or does not stand where it was recorded")
            break
        if at <= position:
            bad = damaged(moment, stream, version, at, "stands before the first event of the log")
            break
        before = last.get(stream)
        if before is None and version != 1:
            begun.append(Begun(len(hashes), at, stream, version, previous))
        elif (version - 1, previous) != (before or (0, NOTHING)):
            bad = damaged(moment, stream, version, at, NOT_BEHIND)
            break
        last[stream] = version, own
        hashes.append(own)
        position, in_log = at, own
    stray = first_stray(moment, begun)
    if stray is not None:
        bad = damaged(moment, stray.stream, stray.version, stray.position, NOT_BEHIND)
        del hashes[stray.place :]
    tree.extend(hashes)
    return Verified(len(hashes), bad, (position, in_log), tree.first, tree.parts)


def first_stray(moment: Any, begun: list[Begun]) -> Begun | None:
    """The first event whose stream stands before the stretch, and whose hash of the event before it is none of that stream's."""
    known = moment.hashes([(text(event.stream), event.version - 1) for event in begun])
    return next((event for event in begun if known.get(text(event.stream)) != event.previous_hash), None)


def damaged(moment: Any, stream: Any, version: Any, position: int, reason: str) -> Damage:
    return Damage(account_of(moment, text(stream)), position, f"event {version} of {text(stream)} {reason}")


def missing(moment: Any, reached: int, position: int) -> Damage | None:
    """What was taken out before a position, where the one before it is not taken."""
    if reached + 1 >= position:
        return None
    lacking = first_lacking(moment)
    of = f", of {lacking}," if lacking else ""
    return Damage(account_of(moment, lacking), reached + 1, f"the event recorded there{of} is missing")


def first_lacking(moment: Any) -> str | None:
    """A stream that lacks an event: one before others, or one that derived rows know of."""
    name = moment.octets.format("originator_id")
    holes = f"SELECT {name} FROM stored_events GROUP BY originator_id HAVING count(*) < max(originator_version)"
    many = "(SELECT count(*) FROM stored_events WHERE originator_id = 'account:' || account)"
    heads = f"SELECT 'account:' || account FROM accounts WHERE version > {many}"
    cases = "SELECT stream FROM cases WHERE NOT EXISTS (SELECT 1 FROM stored_events WHERE originator_id = stream)"
    for sql in (holes, heads, cases):
        for (stream,) in moment.rows(f"{sql} ORDER BY 1 LIMIT 1"):
            return text(stream) if isinstance(stream, bytes) else str(stream)
    return None


def account_of(moment: Any, stream: str | None) -> str | None:
    """Whose a stream is, as its name says or the account's cases do."""
    kind, _, name = (stream or "").partition(":")
    if kind in ("account", "alerts"):
        return name
    rows = moment.rows("SELECT account FROM cases WHERE stream = ?", stream) if kind else []
    return str(rows[0][0]) if rows else None


def text(stream: Any) -> str:
    """The name of a stream; what was altered may be no text any more."""
    return stream.decode(errors="replace").replace("\0", "\ufffd") if isinstance(stream, bytes) else repr(stream)
