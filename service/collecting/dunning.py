"""Dunning in the hands of people: notices that are due go out, or wait for a yes; they are approved, cancelled, and stopped for an account.

All of it under the write lock. What is due is issued once: whoever runs it again on the same day issues nothing.
"""

from collections.abc import Callable, Iterable
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

from exposure import approvals
from exposure.approvals import Refused
from exposure.ledger.acts import dunning
from exposure.ledger.acts.cases import CANCELLED, ISSUED, PROPOSED
from exposure.ledger.acts.dunning import Trail
from exposure.ledger.acts.policies import in_force
from projections.account import Asked, asked_now, figures_of
from projections.dunning import due_of, notice_shown, notices_due, notices_of, overdue_ones, perhaps_late
from projections.limit_requests import worth_today
from projections.when import instant_text
from schemas.amounts import minor
from schemas.dunning import DunningApprovalRefused, DunningNotice, DunningNoticeProposed, DunningResumed, DunningStopped
from service.asking.listing import parts_shown
from service.failures import Done, Failure
from service.progress import followed

ACCOUNTS_AT_ONCE = 100
DUE = "due"
"""How a notice stands that a run would send."""
STALE = Refused("no_longer_due", "it is not due any more as it was proposed: cancel it, and the next run proposes what is")
SETTLED = Refused("settled", "it waits for nobody: it was issued or cancelled")


class Act(NamedTuple):
    """What somebody does about a notice, and why."""

    notice: str
    by: str
    reason: str


def run(store: Any, accounts: Iterable[str], by: str, now: Callable[[], int], *, quiet: bool = True) -> dict[str, Any]:
    """Issues, or proposes, what is due of some accounts; of every one that has anything overdue where none is named."""
    named = list(dict.fromkeys(accounts))
    with store.reading() as moment:
        names = named or late(moment, asked_now(moment, Asked(now())), quiet)
    rows: list[dict[str, Any]] = []
    each = followed("accounts", names, quiet)
    while some := list(islice(each, ACCOUNTS_AT_ONCE)):
        with store.writing(now()) as writing:
            for notice in notices_due(writing, some, Asked(writing.recorded_at), are_named=bool(named)):
                rows.append({**notice._asdict(), "state": send(writing, notice, by)})
    return {"accounts": len(names), "dry_run": False, "notices": rows}


def foreseen(store: Any, accounts: Iterable[str], now: Callable[[], int], *, quiet: bool = True) -> dict[str, Any]:
    """What a run would issue or propose."""
    with store.reading() as moment:
        asked, named = asked_now(moment, Asked(now())), list(dict.fromkeys(accounts))
        names = named or late(moment, asked, quiet)
        found = notices_due(moment, followed("accounts", names, quiet), asked, are_named=bool(named))
        rows = [{**notice._asdict(), "state": DUE} for notice in found]
    return {"accounts": len(names), "dry_run": True, "notices": rows}


def late(moment: Any, asked: Asked, quiet: bool) -> list[str]:
    """Of whom anything may be due."""
    return perhaps_late(moment, asked, parts_shown(moment, partial(overdue_ones, moment, asked), quiet))


def send(writing: Any, notice: DunningNotice, by: str) -> str:
    """Sends a notice, or proposes it where its level is legal; returns how it stands."""
    if notice.legal:
        dunning.record(writing, DunningNoticeProposed(notice.notice, notice.account, notice._asdict(), by))
    else:
        dunning.issue(writing, notice, by, None, instant_text(writing.recorded_at))
    return PROPOSED if notice.legal else ISSUED


def approve(store: Any, wanted: Act, now: Callable[[], int]) -> Done:
    """Somebody else than who ran it says yes: the notice goes out as it was proposed, or not at all where it is not due so any more."""
    with store.writing(now()) as writing:
        known = known_notice(writing, wanted.notice)
        refused = refusal(writing, known, wanted.by)
        if refused is None:
            dunning.issue(writing, known.notice, wanted.by, wanted.reason, instant_text(writing.recorded_at))
        else:
            told = DunningApprovalRefused(known.notice.notice, known.notice.account, wanted.by, wanted.reason, *refused, known.state)
            if told not in [event for _, event in known.events]:
                dunning.record(writing, told)
        return Done(notice_shown(known_notice(writing, wanted.notice)), refused)


def refusal(writing: Any, known: Trail, who: str) -> Refused | None:
    """Why a yes does not count: who may release a held order of that worth may hand it over, and never who proposed it."""
    if known.state != PROPOSED:
        return SETTLED
    notice, policy = known.notice, in_force(writing)
    worth = worth_today(writing, notice.account, minor(notice.total, notice.currency), notice.currency, Asked(writing.recorded_at), policy)
    asked = approvals.Asked(known.events[0][1].by, worth)
    answer = approvals.answered(asked, who, approvals.release_powers(policy), policy, 1)
    if isinstance(answer, Refused):
        return answer
    return None if is_due_still(writing, notice) else STALE


def is_due_still(writing: Any, notice: DunningNotice) -> bool:
    """Whether each item of a proposal would be proposed today on the same level, for the same amount."""
    found = due_of(writing, notice.account, Asked(writing.recorded_at), but=notice.notice)
    today = {line_said(line) for one in notices_of(found) for line in one.lines}
    return {line_said(line) for line in notice.lines} <= today


def line_said(line: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(line[name] for name in ("invoice", "instalment", "level", "amount", "currency"))


def cancel(store: Any, wanted: Act, now: Callable[[], int]) -> Done:
    """Takes a notice back, or the proposal of one; once more changes nothing."""
    with store.writing(now()) as writing:
        known = known_notice(writing, wanted.notice)
        if known.state != CANCELLED:
            dunning.cancel(writing, known, wanted.by, wanted.reason, instant_text(writing.recorded_at))
        return Done(notice_shown(known_notice(writing, wanted.notice)))


def stop(store: Any, wanted: DunningStopped, now: Callable[[], int]) -> dict[str, Any]:
    """Nothing of the account, or of an invoice, is dunned from now on. The same words again change nothing."""
    with store.writing(now()) as writing:
        figures_of(writing, wanted.account, Asked(writing.recorded_at))
        if dunning.last_said(writing, wanted.account, wanted.invoice) != wanted:
            dunning.record_stop(writing, wanted)
    return {**wanted._asdict(), "state": "stopped"}


def resume(store: Any, wanted: DunningResumed, now: Callable[[], int]) -> dict[str, Any]:
    """What was stopped may be dunned again; raises ``Failure`` where nothing is."""
    with store.writing(now()) as writing:
        if not isinstance(dunning.last_said(writing, wanted.account, wanted.invoice), DunningStopped):
            what = f"invoice {wanted.invoice!r} of account" if wanted.invoice else "account"
            raise Failure("not_stopped", f"dunning of {what} {wanted.account!r} is not stopped; `exposure dunning list` names what is")
        dunning.record_stop(writing, wanted)
    return {**wanted._asdict(), "state": "resumed"}


def known_notice(moment: Any, notice: str, known_at: int | None = None) -> Trail:
    known = dunning.trail(moment, notice, moment.position_behind(known_at))
    if known is None:
        raise Failure("unknown_notice", f"there is no notice {notice!r}; `exposure dunning list` names them")
    return known
