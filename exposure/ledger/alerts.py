"""Alerts as recorded: how far every account was judged, when it is to be judged again, and what was said, in a stream of the account's alerts.

Law: an account's alerts, and what people did about them, are numbered 1, 2, 3 …, and each goes out in the transaction that records it and how far
was judged. All of it is read under the write lock.
"""

from collections.abc import Collection, Iterator, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from exposure.judging import News, Said, State
from exposure.ledger import stood
from exposure.ledger.batch import Batch, Row
from exposure.rules.spans import later
from exposure.standing import Held
from schemas.facts import LAST_DAY, OUR_SOURCE, AlertAcknowledged, AlertAct, AlertCleared, AlertEscalated, AlertRaised, OfAlert
from schemas.jsontext import read, written, written_sorted
from schemas.stored import read_ours, write_ours

TOPIC = "credit.alerts"
TYPES = {
    AlertRaised: "credit.alert.raised.v1",
    AlertCleared: "credit.alert.cleared.v1",
    AlertAcknowledged: "credit.alert.acknowledged.v1",
    AlertEscalated: "credit.alert.escalated.v1",
}
STREAM = "alerts:"
OF_ALL = (STREAM, f"{STREAM[:-1]};")
"""The streams of all accounts begin with the one and come before the other."""


Recorded = list[tuple[OfAlert | AlertAct, int]]
"""What was said and done of an account, with its recorded instants, oldest first."""


class Once(NamedTuple):
    """The currencies whose rates changed an account's figures on any day that was judged (and ``PORTFOLIO``), and the last of these days."""

    currencies: frozenset[str] = frozenset()
    until: str = ""

    def judged(self, day: str, currencies: Collection[str]) -> "Once":
        """The same once another day was judged, with the currencies that matter by then."""
        return Once(self.currencies.union(currencies), day) if currencies else self


class Due(NamedTuple):
    """An account that is to be judged: what was judged and said before, and the first day on which something may have changed since."""

    account: str
    changed: str
    before: State
    once: Once

    @property
    def anew_from(self) -> str | None:
        """The first day that is judged again, where that is one before the day judged last; all days where none is known to have been judged."""
        return min(self.changed, self.before.day) if self.changed < self.before.day or not self.before.day else None


DUE = "account, next_day, judged_day, sequence, state, once, once_until"
PORTFOLIO = "*"
"""Among the currencies of an account that is weighed against the portfolio: a new measurement changes what stands of it, as a rate does."""


class Next(NamedTuple):
    """When an account is to be judged again: the day, its first instant there, and the currencies whose rates change its figures (``PORTFOLIO``)
    from then on, or ``once`` did: a rate may come late."""

    day: str
    at: int
    currencies: Collection[str]
    once: Once


def due(moment: Any, now: int, many: int) -> list[Due]:
    """Accounts that are to be judged at an instant, at most so many."""
    return [due_of(*row) for row in moment.rows(f"SELECT {DUE} FROM alert_states WHERE next_at <= ? ORDER BY next_at, account LIMIT ?", now, many)]


def due_of(account: str, changed: str, day: str, sequence: int, state: bytes, once: str, until: str) -> Due:
    return Due(account, changed, decoded(day, sequence, state), Once(frozenset(once.split()), until))


def states(moment: Any, accounts: Sequence[str]) -> dict[str, State]:
    """How far accounts were judged, of those that have a row."""
    return {account: decoded(*kept) for account, *kept in rows_of(moment, accounts)}


def rows_of(moment: Any, accounts: Sequence[str]) -> list[Any]:
    """(account, day, sequence, state) as they are kept."""
    return list(moment.joined("t.account, t.judged_day, t.sequence, t.state", "alert_states", "t.account = g.c0", [(name,) for name in accounts]))


def once(moment: Any, account: str) -> frozenset[str]:
    """The currencies whose rates changed an account's figures on any day that was judged, and ``PORTFOLIO`` where it was weighed against that."""
    rows = moment.rows("SELECT once FROM alert_states WHERE account = ?", account)
    return frozenset(rows[0][0].split() if rows else ())


def held(moment: Any, account: str, day: str) -> Held | None:
    """What stands on a day, or on the last one before it of which it is known: until the next day on which anything changes, by what was told or by
    time, it is what was judged last. ``None`` where nothing is known of any day."""
    rows = moment.rows("SELECT judged_day, next_day, sequence, state FROM alert_states WHERE account = ?", account)
    if not rows or not rows[0][0] or not rows[0][1]:
        return None
    ((judged, changed, sequence, state),) = rows
    known = decoded(judged, sequence, state)
    until = min(day, later(changed, -1) if changed < LAST_DAY else day)
    if until >= judged:
        return Held(until, {rule: said.effective for rule, said in known.said.items()})
    return Held(until, {rule: since for rule, since in known.base.items() if since <= until} | stood.on(moment, account, until))


def raised(moment: Any, before: int | None = None) -> list[str]:
    """Accounts of which anything was said to stand, or stood when they were last judged; of those before a position of the log at least these, for
    how they stood then only their streams tell. In order."""
    said = "SELECT account FROM alert_states WHERE sequence > 0"
    if before is not None:
        return [name for (name,) in moment.rows(f"{said} ORDER BY account")]
    return [name for (name,) in moment.rows(f"{said} AND state <> ? ORDER BY account", encoded(State("", {}, {}, 0)))]


def judge_all(writing: Any) -> None:
    """Says that every account is to be judged again, and from its first day on: all its days are judged by other rules."""
    writing.rows("UPDATE alert_states SET next_day = '', next_at = 0 RETURNING 1")


def judge_anew(writing: Any, first: str, last: str) -> None:
    """The same of the accounts from one to another."""
    writing.rows("UPDATE alert_states SET next_day = '', next_at = 0 WHERE account BETWEEN ? AND ? RETURNING 1", first, last)


def judge_weighed(writing: Any, day: str) -> None:
    """Says that the portfolio was measured on a day: accounts that are weighed against it are to be judged again from there."""
    sql = f"UPDATE alert_states SET next_day = {writing.least}(next_day, ?), next_at = 0 WHERE currencies LIKE ? RETURNING 1"
    writing.rows(sql, day, f"%{PORTFOLIO}%")


def decoded(day: str, sequence: int, state: bytes) -> State:
    base, said = read(state)
    return State(
        day,
        {(rule, step): effective for rule, step, effective in base},
        {(rule, step): Said(effective, place) for rule, step, effective, place in said},
        sequence,
    )


def encoded(state: State) -> bytes:
    base = [(*rule, effective) for rule, effective in sorted(state.base.items())]
    return written([base, [(*rule, *said) for rule, said in sorted(state.said.items())]])


def record(writing: Any, news: Sequence[tuple[str, News]], raised: str) -> None:
    """Records what is to be said of accounts, and tells who listens; ``raised`` is the instant it is recorded at."""
    alerts = [alert_of(account, one) for account, one in news]
    rows = [Row(f"{STREAM}{alert.account}", alert.sequence, *write_ours(alert)) for alert in alerts]
    writing.write(Batch(writing.recorded_at, events=rows))
    writing.announce_all([(TOPIC, alert.account, alert.alert_id, told_of(alert, {"raised": raised})) for alert in alerts])


def record_act(writing: Any, act: AlertAct, at: str) -> None:
    """Records what somebody did about an alert, in the next place of the account's alerts, and tells who listens."""
    writing.write(Batch(writing.recorded_at, act.by, events=[Row(f"{STREAM}{act.account}", act.sequence, *write_ours(act))]))
    writing.announce(TOPIC, act.account, act.alert_id, told_of(act, {"at": at}))
    writing.rows("UPDATE alert_states SET sequence = ? WHERE account = ? RETURNING 1", act.sequence, act.account)


def next_place(writing: Any, account: str) -> tuple[str, int]:
    """The id and the number of what is recorded next of an account's alerts."""
    sequence = writing.last_version(f"{STREAM}{account}") + 1
    return alert_id(account, sequence), sequence


def told_of(event: OfAlert | AlertAct, when: dict[str, str]) -> dict[str, Any]:
    data = event._asdict() | when
    del data["alert_id"]
    return {"type": TYPES[type(event)], "source": OUR_SOURCE, "data": data}


def keep(writing: Any, states: Sequence[tuple[str, State, Next]]) -> None:
    """Says how far accounts were judged, and when they are to be judged again."""
    columns = "account, sequence, judged_day, next_day, next_at, currencies, once, once_until, state, overdue_since"
    kept = ", ".join(f"{column} = excluded.{column}" for column in columns.split(", ")[1:])
    writing.put(
        f"INSERT INTO alert_states ({columns}) VALUES {{rows}} ON CONFLICT (account) DO UPDATE SET {kept}",
        [
            (
                name,
                state.sequence,
                state.day,
                after.day,
                after.at,
                " ".join(sorted(after.currencies)),
                " ".join(sorted(after.once.currencies)),
                after.once.until,
                encoded(state),
                overdue_since(state),
            )
            for name, state, after in states
        ],
    )


def overdue_since(state: State) -> str | None:
    """Since when anything is overdue; dunning finds its accounts by it."""
    said = state.said.get(("overdue", 1))
    return None if said is None else said.effective


def alert_of(account: str, news: News) -> OfAlert:
    name, step = news.rule
    told = (alert_id(account, news.sequence), account, name, step or None, news.severity, news.sequence, news.effective, news.figures)
    return AlertRaised(*told) if news.clears is None else AlertCleared(*told, alert_id(account, news.clears.sequence), news.reason)


def alert_id(account: str, sequence: int) -> str:
    """16 bytes in hexadecimal: the same however often the alert has to be sent."""
    return blake2b(written_sorted([STREAM, account, sequence]), digest_size=16).hexdigest()


def stream(moment: Any, account: str | None, known_at: int | None = None) -> Iterator[tuple[OfAlert | AlertAct, int]]:
    """What was said and done by an instant, of one account or of all, with its recorded instants, oldest first."""
    columns = "topic, state, recorded_at FROM stored_events WHERE originator_id"
    if account is None:
        rows = moment.stream(f"SELECT {columns} >= ? AND originator_id < ? ORDER BY {moment.position}", *OF_ALL)
    else:
        rows = moment.stream(f"SELECT {columns} = ? ORDER BY originator_version", f"{STREAM}{account}")
    for topic, state, recorded_at in rows:
        if known_at is not None and recorded_at > known_at:
            return
        yield read_alert(topic, state), recorded_at


def streams(moment: Any, accounts: Sequence[str], before: int | None = None) -> dict[str, Recorded]:
    """The same of several accounts, of each that has any; all of it, or what stands before a position of the log."""
    found: dict[str, Recorded] = {}
    for _, _, _, topic, state, recorded_at, _ in moment.events_of([f"{STREAM}{account}" for account in accounts], before):
        event = read_alert(topic, state)
        found.setdefault(event.account, []).append((event, recorded_at))
    return found


def read_alert(topic: str, state: bytes) -> OfAlert | AlertAct:
    event = read_ours(topic, state)
    assert isinstance(event, OfAlert | AlertAct)
    return event


def recorded(moment: Any, account: str | None, known_at: int | None = None) -> Iterator[tuple[OfAlert, int]]:
    """What was said, without what people did about it."""
    return ((event, recorded_at) for event, recorded_at in stream(moment, account, known_at) if isinstance(event, OfAlert))


def acts(moment: Any, account: str | None, known_at: int | None = None) -> dict[str, list[tuple[AlertAct, int]]]:
    """What was done about each alert, by its id, with the recorded instants, oldest first."""
    found: dict[str, list[tuple[AlertAct, int]]] = {}
    for event, recorded_at in stream(moment, account, known_at):
        if isinstance(event, AlertAcknowledged | AlertEscalated):
            about = event.acknowledges if isinstance(event, AlertAcknowledged) else event.escalates
            found.setdefault(about, []).append((event, recorded_at))
    return found


def found(moment: Any, wanted: str) -> AlertRaised | None:
    """The alert with an id that was raised. The streams are read through for it: an id names no stream."""
    columns = "topic, state FROM stored_events WHERE originator_id"
    for topic, state in moment.stream(f"SELECT {columns} >= ? AND originator_id < ?", *OF_ALL):
        if wanted.encode() in state:
            event = read_alert(topic, state)
            if isinstance(event, AlertRaised) and event.alert_id == wanted:
                return event
    return None


def is_cleared(moment: Any, alert: AlertRaised) -> bool:
    return any(isinstance(event, AlertCleared) and event.clears == alert.alert_id for event, _ in stream(moment, alert.account))


def recorded_after(moment: Any, position: int, many: int) -> tuple[list[tuple[int, OfAlert, int]], int]:
    """The next alerts behind a position of the log, without what people did about them, at most so many, each with its position and its recorded
    instant; and how far that is.

    Positions rise with commits, so nothing can turn up later before what was read.
    """
    # No index by the name of the stream: whoever follows the log asks for its last rows, however many alerts there were before.
    columns, is_alert = f"{moment.position}, topic, state, recorded_at", f"substr(originator_id, 1, {len(STREAM)}) = ?"
    sql = f"SELECT {columns} FROM stored_events WHERE {moment.position} > ? AND {is_alert} ORDER BY {moment.position} LIMIT ?"
    rows = moment.rows(sql, position, STREAM, many)
    read = [(place, read_alert(topic, state), at) for place, topic, state, at in rows]
    alerts = [(place, event, at) for place, event, at in read if isinstance(event, OfAlert)]
    return alerts, rows[-1][0] if len(rows) == many else max(position, moment.last_position())


def at_positions(moment: Any, positions: Sequence[int]) -> dict[int, tuple[OfAlert, int]]:
    """Alerts by their positions in the log, each with its recorded instant."""
    place = f"t.{moment.position}"
    rows = moment.joined(f"{place}, t.topic, t.state, t.recorded_at", "stored_events", f"{place} = g.c0", [(one,) for one in positions])
    read = [(position, read_alert(topic, state), recorded_at) for position, topic, state, recorded_at in rows]
    return {position: (event, recorded_at) for position, event, recorded_at in read if isinstance(event, OfAlert)}
