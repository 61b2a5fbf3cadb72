"""``exposure measures``: what waits for somebody's yes and what is in force; says yes or no, lifts, and proposes by hand."""

from typing import Annotated

import typer

from schemas.measures import LOWER_LIMIT, TAKES
from service.asking.question import asking
from service.failures import WRONG_USAGE, Done, Failure, telling
from service.options import AccountByDefault, AsOf, By, Json, KnownAt, Now, Reason, Store, actor, clock, in_one_line, opened
from service.shown.output import Output

app = typer.Typer(
    cls=AccountByDefault,
    add_completion=False,
    help="What alerts or people propose to do about accounts, of all or of one: what waits or is in force.",
)

Measure = Annotated[str, typer.Argument(metavar="MEASURE", help="its id, as the list says it")]


@app.command("list")
def list_(
    account: Annotated[str | None, typer.Argument(help="only this account's")] = None,
    waiting: Annotated[bool, typer.Option("--waiting", help="only those that wait for somebody's yes")] = False,
    in_force: Annotated[bool, typer.Option("--in-force", help="only those that are in force")] = False,
    every: Annotated[bool, typer.Option("--all", help="those that are over too")] = False,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> None:
    """Those that wait for somebody's yes, and those in force."""
    from exposure.ledger.acts.cases import APPLIED, PROPOSED
    from projections.measures import measures

    wanted = {state for state, is_wanted in ((PROPOSED, waiting), (APPLIED, in_force)) if is_wanted} or {PROPOSED, APPLIED}
    with asking(store, now, as_of, known_at) as (moment, question):
        Output(json).measures(measures(moment, account, question, None if every else wanted))


@app.command()
def show(measure: Measure, known_at: KnownAt = None, store: Store = None, now: Now = None, json: Json = False) -> None:
    """One measure with its whole trail."""
    from exposure.ledger.acts.policies import in_force
    from projections.measures import shown
    from service.collecting.measuring import trail_of

    with asking(store, now, known_at=known_at) as (moment, wanted):
        Output(json).measure(Done(shown(moment, trail_of(moment, measure, wanted.known_at), wanted, in_force(moment, wanted.known_at))))


@app.command()
def propose(
    account: str,
    take: Annotated[str, typer.Option("--take", metavar="MEASURE", help=", ".join(TAKES))],
    reason: Reason,
    share: Annotated[str | None, typer.Option("--share", help="lower_limit: to this share of the limit in force, as 0.8")] = None,
    to_exposure: Annotated[bool, typer.Option("--to-exposure", help="lower_limit: to what the account owes now")] = False,
    days: Annotated[int | None, typer.Option("--days", min=1, help="it ends by itself after so many days")] = None,
    by: By = None,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> int:
    """Proposes a measure: it counts once somebody else has said yes."""
    from service.collecting import measuring

    if take not in TAKES:
        raise Failure("usage", f"--take: {take!r} is none of {', '.join(TAKES)}", WRONG_USAGE)
    if (share is not None) + to_exposure != (take == LOWER_LIMIT):
        raise Failure("usage", "--share or --to-exposure says how far lower_limit goes: exactly one of them with it, none with others", WRONG_USAGE)
    wanted = measuring.Wanted(account, take, share_told(share), days, in_one_line("--reason", reason))
    with telling():
        return Output(json).measure(measuring.propose(opened(store), wanted, actor(by), clock(now)))


@app.command()
def approve(measure: Measure, reason: Reason, by: By = None, store: Store = None, now: Now = None, json: Json = False) -> int:
    """Says yes: it counts from the account's today on. Exits 3 where the policy does not let this person."""
    return act("approve", measure, reason, by, store, now, json)


@app.command()
def reject(measure: Measure, reason: Reason, by: By = None, store: Store = None, now: Now = None, json: Json = False) -> int:
    """Says no, for good, or takes back what one proposed. Exits 3 where the policy does not let this person."""
    return act("reject", measure, reason, by, store, now, json)


@app.command()
def lift(measure: Measure, reason: Reason, by: By = None, store: Store = None, now: Now = None, json: Json = False) -> int:
    """Ends what is in force: it does not count from the account's today on. Exits 3 where the policy does not let this person."""
    return act("lift", measure, reason, by, store, now, json)


def act(name: str, measure: str, reason: str, by: str | None, store: str | None, now: str | None, json: bool) -> int:
    from service.collecting import measuring

    wanted = measuring.Act(name, measure, actor(by), in_one_line("--reason", reason))
    with telling():
        return Output(json).measure(measuring.act(opened(store), wanted, clock(now)))


def share_told(text: str | None) -> str | None:
    from schemas.policy_words import share

    try:
        return None if text is None else share(text)
    except ValueError as error:
        raise Failure("usage", f"--share: {error}", WRONG_USAGE) from None
