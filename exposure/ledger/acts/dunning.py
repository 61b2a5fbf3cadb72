"""Dunning as recorded: each notice in a stream of its own, each stop too; a notice that goes out is told to the ERP in the same transaction.

Law: what was said of an item before is a function of the notices that stand: one that was cancelled counts as if it had not been, only its day is
not used again. The write lock is taken before anything is read.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from exposure.dunning import ItemKey, Noticed, Stops
from exposure.ledger.acts.cases import CANCELLED, ISSUED, PROPOSED, STOPPED, state_after
from exposure.ledger.acts.cases import record as record_cases
from exposure.ledger.acts.decisions import digest_of
from schemas.dunning import (
    DunningNotice,
    DunningNoticeCancelled,
    DunningNoticeIssued,
    DunningNoticeProposed,
    DunningStopped,
    OfNotice,
    OfStop,
)
from schemas.facts import LAST_DAY, OUR_SOURCE
from schemas.stored import read_ours

TOPIC = "credit.dunning"
NOTICED, TAKEN_BACK = "credit.dunning.noticed.v1", "credit.dunning.cancelled.v1"
KIND, STOP = "dunning", "dunning_stop"


class Trail(NamedTuple):
    """A notice and its position in the log, all that was said of it with the recorded instants (microseconds), oldest first, and how it stands."""

    position: int
    notice: DunningNotice
    events: list[tuple[int, OfNotice]]

    @property
    def state(self) -> str:
        return state_after(self.events[-1][1])

    @property
    def is_told(self) -> bool:
        """Whether the ERP was told of it."""
        return any(isinstance(event, DunningNoticeIssued) for _, event in self.events)


StopTrail = list[tuple[int, OfStop]]
"""All that was said to a stop with the recorded instants (microseconds), oldest first."""


def stream_of(notice: str) -> str:
    return f"{KIND}:{notice}"


def stop_stream(account: str, invoice: str | None) -> str:
    return f"{STOP}:{digest_of(account, invoice)}"


def notice_id(account: str, number: int) -> str:
    return digest_of(account, [KIND, number])


def trail(moment: Any, notice: str, before: int | None = None) -> Trail | None:
    return next(trails_of(moment, [stream_of(notice)], before), None)


def trails(moment: Any, account: str | None = None, before: int | None = None, state: str | None = None) -> list[Trail]:
    """The notices of an account or of all, those in a state or all, in the order of their numbers; as they stood before a position of the log."""
    streams = [stream for _, stream in moment.cases_of_kind(KIND, state if before is None else None, account, before)]
    found = (one for one in trails_of(moment, streams, before) if state in (None, one.state))
    return sorted(found, key=lambda one: (one.notice.account, one.notice.number))


def trails_of(moment: Any, streams: list[str], before: int | None = None) -> Iterator[Trail]:
    said: dict[str, list[tuple[int, int, OfNotice]]] = {}
    for position, stream, _, topic, state, recorded_at, _ in moment.events_of(streams, before):
        event = read_ours(topic, state)
        assert isinstance(event, OfNotice)
        said.setdefault(stream, []).append((position, recorded_at, event))
    for stream, events in said.items():
        position, _, first = events[0]
        assert isinstance(first, DunningNoticeProposed | DunningNoticeIssued), f"{stream} does not begin with its notice"
        yield Trail(position, DunningNotice(**first.content), [(recorded_at, event) for _, recorded_at, event in events])


def noticed(known: Iterable[Trail]) -> dict[ItemKey, Noticed]:
    """What was said of each item by an account's notices, given in the order of their numbers."""
    said: dict[ItemKey, Noticed] = {}
    for one in known:
        day = one.notice.as_of
        for line in one.notice.lines:
            key = (line["invoice"], line["instalment"] or "")
            said[key] = after(said.get(key, Noticed()), line, day, one.state)
    return said


def after(before: Noticed, line: dict[str, Any], day: str, state: str) -> Noticed:
    if state == CANCELLED:
        return before._replace(taken_back=day)
    if state == PROPOSED:
        return before._replace(is_proposed=True)
    assert state == ISSUED, state
    return before._replace(
        level=line["level"],
        day=day,
        charged_to=line["interest_to"] or before.charged_to,
        is_compensated=before.is_compensated or line["compensation"] is not None,
    )


def stops(moment: Any, account: str, day: str, before: int | None = None) -> Stops:
    """What somebody has stopped, as it holds on a day: now, or before a position of the log."""
    blocked = {stop.invoice for stop in stopped(moment, account, before) if day <= (stop.until or LAST_DAY)}
    return Stops(blocked=frozenset(invoice for invoice in blocked if invoice is not None), is_account_blocked=None in blocked)


def stopped(moment: Any, account: str | None, before: int | None = None) -> list[DunningStopped]:
    """The stops that nobody has ended, of an account or of all; or had not before a position of the log."""
    return standing(stop_trails(moment, account, before, STOPPED if before is None else None))


def stop_trails(moment: Any, account: str | None, before: int | None = None, state: str | None = None) -> list[StopTrail]:
    """All that was said to each stop, of an account or of all, those in a state now or all; as they stood before a position of the log."""
    said: dict[str, StopTrail] = {}
    streams = [stream for _, stream in moment.cases_of_kind(STOP, state, account, before)]
    for _, stream, _, topic, content, recorded_at, _ in moment.events_of(streams, before):
        event = read_ours(topic, content)
        assert isinstance(event, OfStop)
        said.setdefault(stream, []).append((recorded_at, event))
    return list(said.values())


def standing(said: Iterable[StopTrail]) -> list[DunningStopped]:
    """Those whose last word is a stop, in order of accounts."""
    last = (one[-1][1] for one in said if one)
    return sorted((one for one in last if isinstance(one, DunningStopped)), key=lambda one: (one.account, one.invoice or ""))


def last_said(moment: Any, account: str, invoice: str | None) -> OfStop | None:
    """What was said last to a stop of an account, or of an invoice of it."""
    found = moment.last_event(stop_stream(account, invoice))
    if found is None:
        return None
    event = read_ours(*found)
    assert isinstance(event, OfStop)
    return event


def candidates(moment: Any, now: int) -> list[str]:
    """Accounts that have anything overdue, as far as is known, and those of which something has changed that nobody has judged yet."""
    overdue = "SELECT account FROM alert_states WHERE overdue_since IS NOT NULL"
    unjudged = "SELECT account FROM alert_states WHERE next_at <= ?"
    return [name for (name,) in moment.rows(f"{overdue} UNION {unjudged} ORDER BY 1", now)]


def record(writing: Any, event: OfNotice) -> None:
    """Records what is said of a notice."""
    record_cases(writing, [(stream_of(event.notice), event)], event.by)


def record_stop(writing: Any, event: OfStop) -> None:
    record_cases(writing, [(stop_stream(event.account, event.invoice), event)], event.by)


def issue(writing: Any, notice: DunningNotice, by: str, reason: str | None, at: str) -> None:
    """Records that a notice goes out and tells the ERP; ``at`` is the recorded instant, as people have it."""
    record(writing, DunningNoticeIssued(notice.notice, notice.account, notice._asdict(), by, reason))
    data = {**notice._asdict(), "by": by, "reason": reason, "issued": at}
    writing.announce(TOPIC, notice.account, notice.notice, {"type": NOTICED, "source": OUR_SOURCE, "data": data})


def cancel(writing: Any, known: Trail, by: str, reason: str, at: str) -> None:
    """Records that a notice is taken back; the ERP is told where it was told of the notice."""
    notice = known.notice
    record(writing, DunningNoticeCancelled(notice.notice, notice.account, by, reason))
    if known.is_told:
        told = {name: getattr(notice, name) for name in ("notice", "account", "number", "debit_items")}
        data = {**told, "by": by, "reason": reason, "cancelled": at}
        message_id = digest_of(notice.account, [KIND, notice.number, CANCELLED])
        writing.announce(TOPIC, notice.account, message_id, {"type": TAKEN_BACK, "source": OUR_SOURCE, "data": data})
