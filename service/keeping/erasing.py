"""``exposure erase``: nobody can read a person's data any more; who wanted it and why stays."""

from typing import Annotated, Any

import typer

from service.bringing_in.dead_letters import ID
from service.failures import WRONG_USAGE, Failure
from service.options import By, Json, Now, Reason, Store, actor, clock, in_one_line, opened
from service.shown.output import Output
from service.shown.words import counted

app = typer.Typer()


@app.command()
def erase(
    reason: Reason,
    account: Annotated[str | None, typer.Argument(help="whose personal fields and dead letters")] = None,
    letters: Annotated[list[str] | None, typer.Option("--letter", metavar="ID", help="instead: a dead letter's bytes; may be said again")] = None,
    vacuum: Annotated[bool, typer.Option("--vacuum", help="then write the store's file anew: the deleted bytes are gone from it too")] = False,
    by: By = None,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> None:
    """Erases a person: throws away the key that the personal fields of an account are encrypted under. No figure changes."""
    from exposure.ledger.acts import erasing
    from exposure.ledger.acts.dead_letters import Order

    if (account is None) == (not letters):
        raise Failure("usage", "say what: an account, or dead letters by --letter", WRONG_USAGE)
    order, wanted = Order(actor(by), in_one_line("--reason", reason)), opened(store)
    if letters:
        erased: dict[str, Any] = {"letters_erased": erasing.erase_letters(wanted, clock(now), named(wanted, letters), order)}
    else:
        done = erasing.erase(wanted, clock(now), str(account), order)
        if done is None:
            raise Failure("unknown_account", f"nothing is known of account {account!r}")
        erased = shown(done)
    show({**erased, "wiped": wanted.wipe() if vacuum else None}, Output(json))


def named(store: Any, ids: list[str]) -> list[bytes]:
    """The digests of dead letters; one that is none is a failure."""
    digests = [bytes.fromhex(id_) for id_ in dict.fromkeys(ids) if ID.fullmatch(id_)]
    with store.reading() as moment:
        known = moment.known_dead_letters(digests)
    unknown = [id_ for id_ in ids if not ID.fullmatch(id_) or bytes.fromhex(id_) not in known]
    if unknown:
        raise Failure("unknown_dead_letter", f"there is no dead letter {unknown[0]!r}: nothing was done")
    return digests


def shown(done: Any) -> dict[str, Any]:
    """``erased``: whether there was anything to throw away just now."""
    from projections.when import instant_text

    erasures = [{"recorded": instant_text(at), "by": event.by, "reason": event.reason, "key": event.key} for at, event in done.told]
    return {"account": done.account, "erased": done.is_new, "erasures": erasures, "spelled_in": done.spelled_in}


def show(document: dict[str, Any], output: Output) -> None:
    if output.json:
        output.document(document)
        return
    if "account" in document:
        typer.echo(account_line(document))
        for id_ in document["spelled_in"]:
            typer.echo(f"dead letter {id_} spells {document['account']} and is of no account: `exposure erase --letter {id_}`", err=True)
    else:
        typer.echo(f"erased the bytes of {counted(document['letters_erased'], 'dead letter')}")
    if document["wiped"] is False:
        typer.echo("exposure: others are reading: deleted bytes leave the file once nobody has the store open", err=True)


def account_line(document: dict[str, Any]) -> str:
    if document["erased"]:
        return f"{document['account']}  erased; what is told of it from now on is sealed under a new key, and can be erased again"
    if document["erasures"]:
        return f"{document['account']}  was erased {document['erasures'][-1]['recorded']}; nothing personal was told since"
    return f"{document['account']}  has nothing personal"
