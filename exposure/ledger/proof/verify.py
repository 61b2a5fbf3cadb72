"""The proof that a log is whole and unaltered: stretch by stretch, by several processes where the log is long, each event's hash is made again.

Law: the first record that is not as it was written is named, whoever came to it first. In constant memory, over one moment of the store.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any, NamedTuple

from exposure.ledger.proof.chain import NOTHING, LogEnd
from exposure.ledger.proof.checkpoints import Checkpoint
from exposure.ledger.proof.stretches import Damage, Stretch, Verified, account_of, first_lacking, text, verify_stretch
from exposure.ledger.stores.rebuilt import DERIVED
from exposure.merkle import Tree

STRETCH = 32_768
"""So many events are verified at once: more need more memory for the streams they are of, of fewer more have to be looked for before them."""
STRETCHES_EACH = 3
"""So many at least for a process of its own: it costs the time of one of them to begin."""
BEFORE_ALL, BEHIND_ALL = -(1 << 63), (1 << 63) - 1
TABLES = ("stored_events", "clock", *DERIVED)
"""Without these nothing can be verified, or a rebuild has no place to put what it makes."""

Verifying = Callable[[Iterable[Stretch]], Iterator[Verified]]


class Outcome(NamedTuple):
    """How many events were found good, and what was not; where these end, and the root of the tree over them."""

    events: int
    first_bad: Damage | None
    end: LogEnd
    root: bytes


def verify(
    store: Any,
    progress: Callable[[int], None] = lambda _: None,
    checkpoint: Checkpoint | None = None,
    again: Callable[[], Any] | None = None,
    jobs: int = 1,
    stretch: int = STRETCH,
) -> Outcome:
    """Verifies the log of a store, that every account's row is of its last event, and that the log is the one a checkpoint was made of.
    ``progress`` is told the events found good so far; ``again`` opens the store once more, in each of so many processes."""
    with store.reading() as moment:
        lost = moment.lost(TABLES)
        if lost is not None:
            return Outcome(0, Damage(None, 0, f"the table {lost} is missing: restore a backup"), LogEnd(0, NOTHING), Tree().root)
        end, endless = end_of(moment)
        reached, events, tree, is_met = LogEnd(0, NOTHING), 0, Tree(), checkpoint is None
        there, last_recorded = moment.count_events()
        stretches = joining(there, end.position, stretch, None if checkpoint is None else checkpoint.position)
        with at_work(moment, again, min(jobs, len(stretches) // STRETCHES_EACH)) as verified:
            for told, found in zip(stretches, verified(stretches), strict=True):
                events, reached = events + found.events, LogEnd(*found.end)
                if found.first_bad is not None:
                    return Outcome(events, found.first_bad, reached, tree.root)
                # Only a store that was made before positions were hashed has some that nobody took.
                tree.join(found.parts) if tree.end == found.first else tree.extend(moment.hashes_of(*told))
                if checkpoint is not None and reached.position == checkpoint.position:
                    is_met = (events, reached.hash.hex(), tree.root.hex()) == (checkpoint.events, checkpoint.hash, checkpoint.root)
                progress(events)
        bad = (
            endless
            or cut(moment, reached, end)
            or beyond(moment, end)
            or (None if is_met else missed(checkpoint, reached))
            or behind(moment)
            or early(moment, end, last_recorded)
        )
        return Outcome(events, bad, reached, tree.root)


def joining(events: int, end: int, many: int, checkpoint: int | None) -> list[Stretch]:
    """Stretches that join, from before the first event to the log's end; one of them ends where a checkpoint was made. There are as many as that many
    events need, however far away somebody has put the end."""
    ends = sorted({*range(many, min(events, end), many), end, *([checkpoint] if checkpoint is not None and 0 < checkpoint < end else [])})
    return [Stretch(*both) for both in zip([BEFORE_ALL, *ends], ends, strict=False)]


@contextmanager
def at_work(moment: Any, again: Callable[[], Any] | None, jobs: int) -> Iterator[Verifying]:
    """What verifies stretches, in their order: this process, in its moment, or others, each in a moment of its own. Events are never changed, so what
    they read up to the log's end is the same."""
    if again is None or jobs < 2:
        yield lambda stretches: (verify_stretch(moment, stretch) for stretch in stretches)
        return
    # A process of its own shares no connection with this one, which a fork would.
    with ProcessPoolExecutor(jobs, get_context("spawn"), open_store, (again,)) as pool:
        try:
            yield lambda stretches: pool.map(in_a_process, stretches)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


opened: list[Any] = []
"""The store of a process that verifies for another one."""


def open_store(again: Callable[[], Any]) -> None:
    opened.append(again())


def in_a_process(stretch: Stretch) -> Verified:
    with opened[0].reading() as moment:
        return verify_stretch(moment, stretch)


def missed(checkpoint: Checkpoint | None, reached: LogEnd) -> Damage:
    """How a log that is whole is not the one of a checkpoint."""
    assert checkpoint is not None
    if reached.position < checkpoint.position:
        where = f"the checkpoint of {checkpoint.made} knows of position {checkpoint.position}: the log was cut, or an older copy put in its place"
        return Damage(None, reached.position + 1, where)
    return Damage(None, checkpoint.position, f"up to here the log is not the one the checkpoint of {checkpoint.made} was made of")


def end_of(moment: Any) -> tuple[LogEnd, Damage | None]:
    """Where the log ends, as who wrote last has said it; where nobody says so any more, that is damage, and it ends with its last event."""
    columns = [moment.plain.format(column) for column in ("position", "hash", "recorded_at")]
    rows = moment.rows(f"SELECT {', '.join(columns)} FROM clock")
    if [tuple(map(type, row)) for row in rows] == [(int, bytes, int)]:
        return LogEnd(*rows[0][:2]), None
    end = moment.log_end_at(BEHIND_ALL)
    return end, Damage(None, end.position, "the row of clock, which says where the log ends and when it was last written to, is missing or spoiled")


def cut(moment: Any, reached: LogEnd, end: LogEnd) -> Damage | None:
    """What is missing at the end of the log, as who wrote last has said where that is."""
    if reached.position < end.position:
        where = f"the log reached position {end.position}, and ends before"
        return Damage(account_of(moment, first_lacking(moment)), reached.position + 1, where)
    return None if reached.hash == end.hash else Damage(None, reached.position, "what is kept of the log's end was altered")


def beyond(moment: Any, end: LogEnd) -> Damage | None:
    """An event behind the end of the log."""
    for position, stream, version, *_ in moment.chained(end.position, BEHIND_ALL):
        return Damage(account_of(moment, text(stream)), position, f"event {version} of {text(stream)} stands behind the end of the log")
    return None


def early(moment: Any, end: LogEnd, last_recorded: int | None) -> Damage | None:
    """A clock that stands before the last event was recorded: what comes next would be known before it."""
    wrong = last_recorded is not None and moment.rows("SELECT recorded_at FROM clock")[0][0] < last_recorded
    return Damage(None, end.position, "the row of clock says that nothing was written any more when this event was recorded") if wrong else None


def behind(moment: Any) -> Damage | None:
    """The first account whose row is not of its last event, or that has a row and no event."""
    name, version = moment.octets.format("account"), moment.plain.format("version")
    last = "(SELECT coalesce(max(originator_version), 0) FROM stored_events WHERE originator_id = 'account:' || account)"
    heads = f"SELECT account, version, {last} AS last FROM accounts"
    no_row = (
        "SELECT substr(originator_id, 9) AS account, 0 AS version FROM stored_events "
        "WHERE originator_id >= 'account:' AND originator_id < 'account;' AND originator_version = 1 "
        "AND NOT EXISTS (SELECT 1 FROM accounts WHERE account = substr(originator_id, 9))"
    )
    is_wrong = f"version <> last OR last = 0 OR {moment.misfit({'account': 'text'})} IS NOT NULL"
    wrong = f"SELECT account, version FROM ({heads}) AS heads WHERE {is_wrong} UNION ALL {no_row}"
    for account, its in moment.rows(f"SELECT {name}, {version} FROM ({wrong}) AS wrong ORDER BY 1 LIMIT 1"):
        stream = f"account:{text(account)}"
        sql = f"SELECT {moment.position}, originator_version FROM stored_events WHERE originator_id = ? ORDER BY originator_version DESC LIMIT 1"
        position, last = (moment.rows(sql, stream) or [(0, 0)])[0]
        why = f"is of its event {its}, and its last one is {last}" if its != last else "is of no event, or names it otherwise than as a text"
        return Damage(text(account), position, f"the row of the account {why}: rebuild")
    return None
