"""``exposure correct`` and ``corrections``: takes back what the ERP told wrongly and can not take back itself, and lists what was."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from service.failures import BUSINESS_NO, WRONG_USAGE, Failure, telling
from service.options import AccountByDefault, By, Json, Now, Reason, Store, actor, clock, day, in_one_line, opened
from service.output import Output

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
        show([made(opened(store), account, cancels, *told, clock(now))], Output(json))


@corrections.command("list")
def list_(
    account: Annotated[str | None, typer.Argument(help="only this account's")] = None,
    store: Store = None,
    now: Now = None,  # noqa: ARG001 - every command takes --now
    json: Json = False,
) -> None:
    """Every correction: which document and events, from when on, by whom and why."""
    from exposure.ledger import corrections as recorded

    with opened(store).reading() as moment:
        found = [recorded.known(moment, stream) for _, stream in moment.cases_of_kind(recorded.KIND, account=account)]
        listed = [one._asdict() for one in found if one is not None]
    if json:
        Output(json).document({"corrections": listed})
    else:
        show(listed, Output(json))


def made(store: Any, account: str, cancels: str, date: str | None, by: str, reason: str, now: Callable[[], int]) -> dict[str, Any]:
    """The correction as recorded; the same once more is answered as it stands. Raises ``UnknownAccount`` or ``Failure``."""
    from exposure.approvals import correcting_refused
    from exposure.ledger import corrections as recorded
    from exposure.ledger.policies import in_force
    from projections.account import Asked, figures_of
    from schemas.amends import CorrectionMade

    kind, _, number = cancels.partition(":")
    if kind not in recorded.UNDOING or not number:
        raise Failure("usage", f"--cancels: {cancels!r} is no KIND:NUMBER; kinds are {', '.join(recorded.UNDOING)}", WRONG_USAGE)
    with store.writing(now()) as writing:
        today = figures_of(writing, account, Asked(writing.recorded_at))[0].on.day
        stream, policy = recorded.stream_of(account, kind, number), in_force(writing)
        known = recorded.known(writing, stream)
        if known is not None:
            return known._asdict()
        posted, undone = recorded.told_of(writing, account, kind, number)
        if not posted:
            raise Failure("unknown_document", f"nothing was told of {kind} {number!r} of account {account!r}")
        if undone:
            raise Failure("taken_back", f"{kind} {number!r} was taken back already, by event {undone[-1].id!r} of {undone[-1].source!r}", BUSINESS_NO)
        refused = correcting_refused(by, policy)
        if refused is not None:
            raise Failure(refused.code, refused.why, BUSINESS_NO)
        correction = CorrectionMade(account, kind, number, date or today, recorded.naming(posted), by, reason, policy.version)
        recorded.record(writing, correction)
        return correction._asdict()


def show(listed: list[dict[str, Any]], output: Output) -> None:
    if output.json:
        output.document(listed[0])
        return
    for one in listed:
        events = ", ".join(f"{event['id']} of {event['source']}" for event in one["corrects"])
        what = f"{one['account']}  {one['kind']} {one['document']} taken back from {one['date']} on, by {one['by']}: {one['reason']}"
        typer.echo(f"{what} (it was told by {events})")
