"""Alerts as recorded: how far every account was judged, when it is to be judged again, and what was said, in a stream of the account's alerts.

Law: an account's alerts are numbered 1, 2, 3 …, and each goes out in the transaction that records it and how far was judged. All of it is read
under the write lock.
"""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from exposure.judging import News, Said, State
from exposure.ledger.batch import Batch, Row
from schemas.facts import AlertCleared, AlertRaised, OfAlert
from schemas.jsontext import read, written, written_sorted
from schemas.stored import read_ours, write_ours

TOPIC, SOURCE = "credit.alerts", "/exposure"
TYPES = {AlertRaised: "credit.alert.raised.v1", AlertCleared: "credit.alert.cleared.v1"}
STREAM = "alerts:"


class Due(NamedTuple):
    """An account that is to be judged: what was judged and said before, and the first day on which something may have changed since."""

    account: str
    changed: str
    before: State


class Next(NamedTuple):
    """When an account is to be judged again: the day, its first instant there, and the currencies whose rates change its figures."""

    day: str
    at: int
    currencies: Sequence[str]


def due(moment: Any, now: int, many: int) -> list[Due]:
    """Accounts that are to be judged at an instant, at most so many."""
    columns = "account, next_day, judged_day, sequence, state"
    rows = moment.rows(f"SELECT {columns} FROM alert_states WHERE next_at <= ? ORDER BY next_at, account LIMIT ?", now, many)
    return [Due(account, changed, decoded(day, sequence, state)) for account, changed, day, sequence, state in rows]


def judge_all(writing: Any) -> None:
    """Says that every account is to be judged again, and from its first day on: all its days are judged by other rules."""
    writing.rows("UPDATE alert_states SET next_day = '', next_at = 0 RETURNING 1")


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
    writing.announce_all([(TOPIC, alert.account, alert.alert_id, told_of(alert, raised)) for alert in alerts])


def told_of(alert: OfAlert, raised: str) -> dict[str, Any]:
    data = alert._asdict() | {"raised": raised}
    del data["alert_id"]
    return {"type": TYPES[type(alert)], "source": SOURCE, "data": data}


def keep(writing: Any, states: Sequence[tuple[str, State, Next]]) -> None:
    """Says how far accounts were judged, and when they are to be judged again."""
    columns = "account, sequence, judged_day, next_day, next_at, currencies, state"
    kept = ", ".join(f"{column} = excluded.{column}" for column in columns.split(", ")[1:])
    writing.put(
        f"INSERT INTO alert_states ({columns}) VALUES {{rows}} ON CONFLICT (account) DO UPDATE SET {kept}",
        [(name, state.sequence, state.day, after.day, after.at, " ".join(after.currencies), encoded(state)) for name, state, after in states],
    )


def alert_of(account: str, news: News) -> OfAlert:
    name, step = news.rule
    told = (alert_id(account, news.sequence), account, name, step or None, news.severity, news.sequence, news.effective, news.figures)
    return AlertRaised(*told) if news.clears is None else AlertCleared(*told, alert_id(account, news.clears.sequence), news.reason)


def alert_id(account: str, sequence: int) -> str:
    """16 bytes in hexadecimal: the same however often the alert has to be sent."""
    return blake2b(written_sorted([STREAM, account, sequence]), digest_size=16).hexdigest()


def recorded(moment: Any, account: str | None) -> Iterator[tuple[OfAlert, int]]:
    """What was said, of one account or of all, with its recorded instants, oldest first."""
    columns = "topic, state, recorded_at FROM stored_events WHERE originator_id"
    if account is None:
        rows = moment.stream(f"SELECT {columns} >= ? AND originator_id < ? ORDER BY {moment.position}", STREAM, f"{STREAM[:-1]};")
    else:
        rows = moment.stream(f"SELECT {columns} = ? ORDER BY originator_version", f"{STREAM}{account}")
    for topic, state, recorded_at in rows:
        alert = read_ours(topic, state)
        assert isinstance(alert, AlertRaised | AlertCleared)
        yield alert, recorded_at
