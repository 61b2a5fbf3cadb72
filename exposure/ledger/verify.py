"""The proof that a log is whole and unaltered: every event's hash is made again from what stands there, in the order they were recorded.

Law: the first record that is not as it was written is named. One pass, in constant memory, over one moment of the store.
"""

from collections.abc import Callable
from struct import error as NoNumber
from typing import Any, NamedTuple

from exposure.ledger.chain import NOTHING, LogEnd, event_hash
from exposure.ledger.checkpoints import Checkpoint, Tree

EVENTS_PER_STEP = 5_000


class Damage(NamedTuple):
    """The first bad record: where in the log it stands or should, whose it is (``None`` where it is no account's, or nobody can tell), and what is
    wrong."""

    account: str | None
    position: int
    reason: str


class Outcome(NamedTuple):
    """How many events were found good, and what was not; where these end, and the root of the tree over them."""

    events: int
    first_bad: Damage | None
    end: LogEnd
    root: bytes


class Stored(NamedTuple):
    """An event as it stands there, with the hash of the event before it in its stream; texts are bytes, and nothing is sure of any of it."""

    position: int
    stream: bytes
    version: int
    topic: bytes
    state: bytes
    recorded_at: int
    actor: bytes | None
    previous_hash: bytes
    hash: bytes
    before: bytes | None


def verify(store: Any, progress: Callable[[int], None] = lambda _: None, checkpoint: Checkpoint | None = None) -> Outcome:
    """Verifies the log of a store, that every account's row is of its last event, and that the log is the one a checkpoint was made of.
    ``progress`` is told the events found good so far."""
    with store.reading() as moment:
        end, reached, events, tree, is_met = moment.log_end(), LogEnd(0, NOTHING), 0, Tree(), checkpoint is None
        for row in moment.chained():
            event = Stored(*row)
            bad = found(moment, event, reached, end)
            if bad is not None:
                return Outcome(events, bad, reached, tree.root)
            reached = LogEnd(event.position, event.hash)
            events += 1
            tree.add(event.hash)
            if checkpoint is not None and reached.position == checkpoint.position:
                is_met = (events, reached.hash.hex(), tree.root.hex()) == (checkpoint.events, checkpoint.hash, checkpoint.root)
            if events % EVENTS_PER_STEP == 0:
                progress(events)
        progress(events)
        bad = cut(moment, reached, end) or (None if is_met else missed(checkpoint, reached)) or behind(moment)
        return Outcome(events, bad, reached, tree.root)


def missed(checkpoint: Checkpoint | None, reached: LogEnd) -> Damage:
    """How a log that is whole is not the one of a checkpoint."""
    assert checkpoint is not None
    if reached.position < checkpoint.position:
        where = f"the checkpoint of {checkpoint.made} knows of position {checkpoint.position}: the log was cut, or an older copy put in its place"
        return Damage(None, reached.position + 1, where)
    return Damage(None, checkpoint.position, f"up to here the log is not the one the checkpoint of {checkpoint.made} was made of")


def found(moment: Any, event: Stored, reached: LogEnd, end: LogEnd) -> Damage | None:
    """What is bad where an event stands next in the log: itself, or that another one is missing before it."""
    reason = wrong(event, reached, end)
    if reason is None:
        return None
    if reached.position + 1 < event.position <= end.position:
        lacking = first_lacking(moment)
        of = f", of {lacking}," if lacking else ""
        return Damage(account_of(moment, lacking), reached.position + 1, f"the event recorded there{of} is missing")
    return Damage(account_of(moment, text(event.stream)), event.position, f"event {event.version} of {text(event.stream)} {reason}")


def wrong(event: Stored, reached: LogEnd, end: LogEnd) -> str | None:
    if event.position <= reached.position:
        return "stands before the first event of the log"
    if event.position > end.position:
        return "stands behind the end of the log"
    try:
        hash_ = event_hash(
            event.previous_hash, reached.hash, event.position, event.stream, event.version, event.topic, event.state, event.recorded_at, event.actor
        )
    except (TypeError, NoNumber):
        return "can not be read"
    if hash_ != event.hash:
        return "was altered, or does not stand where it was recorded"
    if event.previous_hash != (event.before or NOTHING) or (event.before is None) != (event.version == 1):
        return "does not follow the event before it in its stream"
    return None


def cut(moment: Any, reached: LogEnd, end: LogEnd) -> Damage | None:
    """What is missing at the end of the log, as who wrote last has said where that is."""
    if reached.position < end.position:
        where = f"the log reached position {end.position}, and ends before"
        return Damage(account_of(moment, first_lacking(moment)), reached.position + 1, where)
    return None if reached.hash == end.hash else Damage(None, reached.position, "what is kept of the log's end was altered")


def behind(moment: Any) -> Damage | None:
    """The first account whose row is not of its last event."""
    last = "(SELECT coalesce(max(originator_version), 0) FROM stored_events WHERE originator_id = 'account:' || account)"
    heads = f"SELECT account, version, {last} AS last FROM accounts"
    no_row = (
        "SELECT substr(originator_id, 9), 0, 1 FROM stored_events WHERE originator_id >= 'account:' AND originator_id < 'account;' "
        "AND originator_version = 1 AND NOT EXISTS (SELECT 1 FROM accounts WHERE account = substr(originator_id, 9))"
    )
    rows = moment.rows(f"SELECT account, version, last FROM ({heads}) AS heads WHERE version <> last UNION ALL {no_row} ORDER BY 1 LIMIT 1")
    for account, version, _ in rows:
        stream = f"account:{account}"
        sql = f"SELECT {moment.position}, originator_version FROM stored_events WHERE originator_id = ? ORDER BY originator_version DESC LIMIT 1"
        position, last = (moment.rows(sql, stream) or [(0, 0)])[0]
        return Damage(account, position, f"the row of the account is of its event {version}, and its last one is {last}: rebuild")
    return None


def first_lacking(moment: Any) -> str | None:
    """A stream that lacks an event: one before others, or one that derived rows know of."""
    holes = "SELECT originator_id FROM stored_events GROUP BY originator_id HAVING count(*) < max(originator_version)"
    many = "(SELECT count(*) FROM stored_events WHERE originator_id = 'account:' || account)"
    heads = f"SELECT 'account:' || account FROM accounts WHERE version > {many}"
    cases = "SELECT stream FROM cases WHERE NOT EXISTS (SELECT 1 FROM stored_events WHERE originator_id = stream)"
    for sql in (holes, heads, cases):
        for (stream,) in moment.rows(f"{sql} ORDER BY 1 LIMIT 1"):
            return str(stream)
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
