"""``exposure correct`` and ``corrections``: takes back what the ERP told wrongly and can not take back itself, and lists what was."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from service.asking.question import asking
from service.failures import BUSINESS_NO, WRONG_USAGE, Failure, telling
from service.options import AccountByDefault, By, Json, KnownAt, Now, Reason, Store, actor, clock, day, in_one_line, opened
from service.shown.output import Output

app = typer.Typer()
corrections = typer.Typer(cls=AccountByDefault, add_completion=False, help="What people took back of what an ERP told.")
app.add_typer(corrections, name="corrections")


@app.command()
def correct(
    account: str,
    cancels: Annotated[str, typer.Option("--cancels", metavar="KIND:NUMBER", help="the document, as invoice:90001")],
    reason: Reason,
    date: Annotated[str | None, typer.Option("--date", metavar="DAY", help="from when on (default: the account's today)")] = None,
    by: By = None,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> None:
    """Takes a document back that was told wrongly, as its ERP would. Exits 3 where this person may not, or it is taken back already."""
    told = day(date, "--date"), actor(by), in_one_line("--reason", reason)
    with telling():
        correction = made(opened(store), account, cancels, *told, clock(now))
    Output(json).line(correction, line(correction))


@corrections.command("list")
def list_(
    account: Annotated[str | None, typer.Argument(help="only this account's")] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", metavar="DAY", help="what was gone from that day on, or an earlier one")] = None,
    known_at: KnownAt = None,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> None:
    """Every correction: which document and events, from when on, by whom and why."""
    from projections import corrections as made_by_people

    with asking(store, now, as_of, known_at) as (moment, wanted):
        listed = made_by_people.corrections(moment, account, wanted)
    Output(json).lines({"corrections": listed}, map(line, listed), "correction")


def made(store: Any, account: str, cancels: str, date: str | None, by: str, reason: str, now: Callable[[], int]) -> dict[str, Any]:
    """The correction as recorded; once more it is answered as it stands. Raises ``UnknownAccount`` or ``Failure``."""
    from exposure.approvals import correcting_refused
    from exposure.ledger.acts import corrections as recorded
    from exposure.ledger.acts.policies import in_force
    from projections.account import Asked, figures_of
    from schemas.amends import CorrectionMade

    kind, _, number = cancels.partition(":")
    if kind not in recorded.UNDOING or not number:
        raise Failure("usage", f"--cancels: {cancels!r} is no KIND:NUMBER; kinds are {', '.join(recorded.UNDOING)}", WRONG_USAGE)
    with store.writing(now()) as writing:
        today = figures_of(writing, account, Asked(writing.recorded_at))[0].on.day
        stream, policy = recorded.stream_of(account, kind, number), in_force(writing)
        known = recorded.known(writing, stream)
        found, since = recorded.told_of(writing, account, kind, number), date or today
        if known is not None:
            check_standing(known, found)
            return known._asdict()
        check_correctable(found, kind, number, account, since)
        refused = correcting_refused(by, policy)
        if refused is not None:
            raise Failure(refused.code, refused.why, BUSINESS_NO)
        correction = CorrectionMade(account, kind, number, since, recorded.naming(found.told), by, reason, policy.version)
        recorded.record(writing, correction)
        return correction._asdict()


def check_standing(known: Any, found: Any) -> None:
    """Raises ``Failure`` where the ERP has since cancelled what a correction did."""
    from exposure.ledger.acts.corrections import UNDOING

    if found.last.name == UNDOING[known.kind].restores:
        taken_back = f"{known.kind} {known.document!r} was taken back from {known.date} on, by {known.by}"
        restored = f"that was cancelled by event {found.last.id!r} of {found.last.source!r}: only its ERP can take it back again"
        raise Failure("restored", f"{taken_back}, and {restored}", BUSINESS_NO)


def check_correctable(found: Any, kind: str, number: str, account: str, since: str) -> None:
    """Raises ``Failure`` where there is nothing to take back, or to do so would not count."""
    from exposure.ledger.acts.corrections import UNDOING

    last = found.last
    if not found.told:
        raise Failure("unknown_document", f"nothing was told of {kind} {number!r} of account {account!r}")
    if last is not None and last.name == UNDOING[kind].undoes:
        raise Failure("taken_back", f"{kind} {number!r} was taken back already, by event {last.id!r} of {last.source!r}", BUSINESS_NO)
    if found.has_last_version:
        raise Failure("last_version", f"{kind} {number!r} was told with the last version there is: only its ERP can take it back", BUSINESS_NO)
    if last is not None and kind == "payment" and since <= last.data["date"]:
        raise Failure("usage", f"--date: its return was cancelled on {last.data['date']}; name a later day than that", WRONG_USAGE)


def line(one: dict[str, Any]) -> str:
    events = ", ".join(f"{event['id']} of {event['source']}" for event in one["corrects"])
    what = f"{one['account']}  {one['kind']} {one['document']} taken back from {one['date']} on, by {one['by']}: {one['reason']}"
    return f"{what} (it was told by {events})"
