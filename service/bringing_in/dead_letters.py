"""``exposure dead-letters``: lists what could not be taken, has it read again, or gives it up; each time with who and why."""

import re
from typing import Annotated, Any

import typer

from service.asking.question import asking
from service.failures import DONE, FAILED, WRONG_USAGE, Failure
from service.options import By, Json, KnownAt, ListByDefault, Now, Reason, Store, actor, clock, in_one_line, opened, settings
from service.shown.output import Output
from service.shown.words import counted

app = typer.Typer(cls=ListByDefault, add_completion=False, help="What could not be taken, and why; lists where nothing else is named.")

ID = re.compile(r"[0-9a-f]{32}")

Ids = Annotated[list[str] | None, typer.Argument(metavar="ID…", help="those of these ids, as the list says them")]
Account = Annotated[str | None, typer.Option("--account", help="all that are open of this account")]
Code = Annotated[str | None, typer.Option("--code", help="all with this code, as unknown_type")]
Every = Annotated[bool, typer.Option("--all", help="all that are open")]


@app.command("list")
def list_(
    account: Annotated[str | None, typer.Argument(help="only this account's")] = None,
    code: Code = None,
    settled: Annotated[bool, typer.Option("--settled", help="those that were retried or discarded: when, by whom and why")] = False,
    known_at: KnownAt = None,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> None:
    """What could not be taken: where it stood, why, and the record itself."""
    from projections.dead_letters import dead_letters

    with asking(store, now, known_at=known_at) as (moment, wanted):
        Output(json).dead_letters(dead_letters(moment, account, code=code, settled=settled, known_at=wanted.known_at))


@app.command()
def retry(
    reason: Reason,
    ids: Ids = None,
    account: Account = None,
    code: Code = None,
    every: Every = False,
    by: By = None,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> int:
    """Reads records again, as after an upgrade: what can be taken now is taken like any other; exits 1 where some cannot."""
    from exposure.ledger.acts import dead_letters as letters
    from service.running.answering import answer
    from service.running.ticking import tick

    order, wanted = ordered(by, reason), opened(store)
    counts, first = letters.retry(wanted, clock(now), chosen(wanted, ids, account, code, every), order, answer)
    tick(wanted, clock(now), tells=settings().tells_exposure(False))
    if first is None:
        Output(json).counts(counts)
        return DONE
    said = f"{counted(counts.still_dead, 'dead letter')} can still not be taken, the first for {first.code}: {first}"
    Output(json).counts(counts, Failure("still_dead", said))
    return FAILED


@app.command()
def discard(
    reason: Reason,
    ids: Ids = None,
    account: Account = None,
    code: Code = None,
    every: Every = False,
    by: By = None,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> None:
    """Gives records up: they count no more, and stay in the list of the settled ones."""
    from exposure.ledger.acts import dead_letters as letters

    order, wanted = ordered(by, reason), opened(store)
    Output(json).counts(letters.discard(wanted, clock(now), chosen(wanted, ids, account, code, every), order))


def ordered(by: str | None, reason: str) -> Any:
    """Who and why, where both say something."""
    from exposure.ledger.acts.dead_letters import Order

    return Order(actor(by), in_one_line("--reason", reason))


def chosen(store: Any, ids: list[str] | None, account: str | None, code: str | None, every: bool) -> list[bytes]:
    """The digests of the letters that were named, in one of three ways; an id that is none of a dead letter is a failure."""
    if sum((bool(ids), account is not None or code is not None, every)) != 1:
        raise Failure("usage", "say which dead letters: by their ids, or by --account and --code, or --all of them", WRONG_USAGE)
    with store.reading() as moment:
        if not ids:
            digests: list[bytes] = moment.open_letters(account=account, code=code)
            return digests
        named = [bytes.fromhex(id_) for id_ in dict.fromkeys(ids) if ID.fullmatch(id_)]
        known = moment.known_dead_letters(named)
    unknown = [id_ for id_ in ids if not ID.fullmatch(id_) or bytes.fromhex(id_) not in known]
    if unknown:
        raise Failure("unknown_dead_letter", f"there is no dead letter {unknown[0]!r}: nothing was done; `exposure dead-letters` lists the ids")
    return named
