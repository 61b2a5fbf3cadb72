"""``exposure checkpoint-keys``: which keys signed checkpoints, when another one followed, and their public halves in one file."""

from pathlib import Path
from typing import Annotated

import typer

from service.asking.question import asking
from service.failures import Failure
from service.options import By, Json, KnownAt, ListByDefault, Now, Reason, Store, actor, clock, in_one_line, opened, out_file
from service.shown.output import Output

app = typer.Typer(cls=ListByDefault, add_completion=False, help="The keys that sign checkpoints; lists their rotations where nothing else is named.")


@app.command("list")
def list_(known_at: KnownAt = None, store: Store = None, now: Now = None, json: Json = False) -> None:
    """Every rotation that the log knows of, oldest first; the last new key is the one that signs now."""
    from exposure.ledger.proof.checkpoint_keys import rotations

    with asking(store, now, known_at=known_at) as (moment, wanted):
        Output(json).rotations([rotation.document for rotation in rotations(moment, wanted.known_at)])


@app.command("export")
def export_(
    out: Annotated[str, typer.Option("--out", metavar="FILE", help="for `verify --keys`, and for whoever is to trust checkpoints")],
    store: Store = None,
    now: Now = None,  # noqa: ARG001
    json: Json = False,
) -> None:
    """Writes the public keys, and the statements that lead from one to the next."""
    from exposure.ledger.proof.checkpoint_keys import rotations
    from schemas.jsontext import laid_out

    file = out_file(out)
    with opened(store).reading() as moment:
        told = [rotation.document for rotation in rotations(moment)]
    file.write_bytes(laid_out({"rotations": told}))
    Output(json).counted("rotations", len(told))


@app.command()
def rotate(
    key: Annotated[str, typer.Option("--key", metavar="FILE", help="the key that signs now (PEM, Ed25519): it says which one follows")],
    new: Annotated[str, typer.Option("--new", metavar="FILE", help="the one that follows; one that is not there is made")],
    reason: Reason,
    by: By = None,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> None:
    """Lets another key sign checkpoints from now on, and records it in the log."""
    from exposure.ledger.proof import checkpoint_keys
    from projections.when import instant_text
    from service.keeping.verifying import key_of

    if not Path(key).exists():
        raise Failure("bad_key", f"there is no key in {key}")
    at, why = clock(now), in_one_line("--reason", reason)
    try:
        rotation = checkpoint_keys.rotate(opened(store), at, key_of(key), key_of(new), instant_text(at()), actor(by), why)
    except ValueError as error:
        raise Failure("bad_key", str(error)) from error
    Output(json).rotations([rotation.document])
