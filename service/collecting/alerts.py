"""``exposure alerts``: lists what was said, or what stands, and records what people did about an alert."""

from typing import Annotated

import typer

from service.asking.question import asking
from service.failures import BUSINESS_NO, DONE, WRONG_USAGE, Failure
from service.options import AccountByDefault, By, Json, KnownAt, Now, RuleNames, Store, actor, clock, in_one_line, opened, rules_named
from service.shown.output import Output

app = typer.Typer(cls=AccountByDefault, add_completion=False, help="The alert log, of all accounts or of one; and what people do about an alert.")

Alert = Annotated[str, typer.Argument(metavar="ALERT", help="its id, as the list says it under --json")]
Note = Annotated[str, typer.Option("--note", metavar="TEXT", help="in plain text and for ever: name no person")]


@app.command("list")
def list_(
    account: Annotated[str | None, typer.Argument(help="only those of this account")] = None,
    standing: Annotated[bool, typer.Option("--standing", help="only what was raised and not cleared since")] = False,
    rule: RuleNames = None,
    follow: Annotated[bool, typer.Option("--follow", help="goes on with new ones as they come, until stopped; with --json one line each")] = False,
    from_beginning: Annotated[bool, typer.Option("--from-beginning", help="with --follow: those of before first")] = False,
    as_of: Annotated[str | None, typer.Option("--as-of", metavar="DAY", help="with --standing: what stood on that day")] = None,
    known_at: KnownAt = None,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> None:
    """The alert log, oldest first."""
    from projections.alerts import Wanted, alert_log

    wanted = Wanted(account, rules_named(rule), standing)
    if as_of is not None and not standing:
        raise Failure("usage", "--as-of is for --standing: the log itself is of all days", WRONG_USAGE)
    if follow:
        if (as_of, known_at) != (None, None):
            raise Failure("usage", "--follow goes on with what comes: it has no --as-of and no --known-at", WRONG_USAGE)
        from service.running import following
        from service.running.stopping import stopping

        with stopping() as stop:
            Output(json).followed(following.follow(opened(store), wanted, stop, from_beginning=from_beginning))
        return
    if from_beginning:
        raise Failure("usage", "--from-beginning is for --follow: without it the whole log is what is shown", WRONG_USAGE)
    with asking(store, now, as_of, known_at) as (moment, question):
        Output(json).alerts(alert_log(moment, wanted._replace(as_of=question.as_of, known_at=question.known_at)))


@app.command()
def ack(alert: Alert, note: Note, by: By = None, store: Store = None, now: Now = None, json: Json = False) -> int:
    """Says that somebody has seen an alert and takes care of it. Exits 3 where it was cleared."""
    return act(alert, note, by, None, store, now, json)


@app.command()
def escalate(
    alert: Alert,
    to: Annotated[str, typer.Option("--to", metavar="NAME", help="whom it is passed on to")],
    note: Note,
    by: By = None,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> int:
    """Passes an alert on. Exits 3 where it was cleared."""
    return act(alert, note, by, in_one_line("--to", to), store, now, json)


def act(alert: str, note: str, by: str | None, to: str | None, store: str | None, now: str | None, json: bool) -> int:
    from service.collecting import acting

    wanted = acting.Act(alert, actor(by), in_one_line("--note", note), to)
    shown = acting.act(opened(store), wanted, clock(now))
    refused = None if shown is not None else Failure("cleared", f"alert {alert} was cleared: there is nothing to take care of")
    Output(json).alert_act(shown, refused)
    return BUSINESS_NO if refused else DONE
