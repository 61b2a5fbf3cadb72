"""``exposure proof``: that events are in a checkpoint's log, that one checkpoint's log is the beginning of another's, and all of it as evidence."""

import shutil
from pathlib import Path
from typing import Annotated, Any

import typer

from service.failures import WRONG_USAGE, Failure
from service.options import Json, Now, Store, opened, out_file
from service.shown.output import Output

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Proofs out of the log, for who does not trust us.")

CheckpointFile = Annotated[str, typer.Option("--checkpoint", metavar="FILE", help="the checkpoint whose log it is about")]
VERIFIER = Path(__file__).parents[1] / "standalone" / "verify_evidence.py"


@app.command()
def inclusion(
    checkpoint: CheckpointFile,
    account: Annotated[str | None, typer.Argument(help="every event of this account")] = None,
    position: Annotated[list[int] | None, typer.Option("--position", metavar="N", help="the event at this position; may be said again")] = None,
    store: Store = None,
    now: Now = None,  # noqa: ARG001 - every command takes --now
    json: Json = False,
) -> None:
    """Proves that events are in the log a checkpoint was made of (RFC 6962, 2.1.1)."""
    from exposure.ledger.proof.proofs import NoProof, Proofs
    from service.keeping.verifying import checkpoint_of

    if (account is None) == (not position):
        raise Failure("usage", "name an account, or --position", WRONG_USAGE)
    made = checkpoint_of(checkpoint)
    with opened(store).reading() as moment:
        try:
            proofs = Proofs(moment, made)
            places = position or [place for place, *_ in moment.events(f"account:{account}") if place <= made.position]
            told = [proofs.included(place) for place in places]
        except NoProof as error:
            raise Failure("no_proof", str(error)) from error
    if not told:
        raise Failure("unknown_account", f"nothing is known of account {account!r} in the log of that checkpoint")
    events = [{"position": one.position, "index": one.place, "hash": one.hash.hex(), "path": [part.hex() for part in one.path]} for one in told]
    Output(json).line({"proof": "inclusion", "checkpoint": made.document, "events": events}, f"{len(told):,} events are in the log")


@app.command()
def consistency(
    first: Annotated[str, typer.Option("--from", metavar="FILE", help="the earlier checkpoint")],
    second: Annotated[str, typer.Option("--to", metavar="FILE", help="the later one")],
    store: Store = None,
    now: Now = None,  # noqa: ARG001
    json: Json = False,
) -> None:
    """Proves that the log of one checkpoint is the beginning of that of another (RFC 6962, 2.1.2)."""
    from exposure.ledger.proof.proofs import NoProof, Proofs
    from service.keeping.verifying import checkpoint_of

    earlier, later = checkpoint_of(first), checkpoint_of(second)
    with opened(store).reading() as moment:
        try:
            path = [part.hex() for part in Proofs(moment, later).consistent(earlier)]
        except NoProof as error:
            raise Failure("no_proof", str(error)) from error
    document = {"proof": "consistency", "from": earlier.document, "to": later.document, "path": path}
    Output(json).line(document, f"the log of {earlier.events:,} events is the beginning of that of {later.events:,}")


@app.command("export")
def export_(
    checkpoint: CheckpointFile,
    out: Annotated[
        str, typer.Option("--out", metavar="FILE", help="the evidence goes there (JSON lines), and beside it the program that verifies it")
    ],
    account: Annotated[str | None, typer.Argument(help="only what is recorded of this account (default: the whole log)")] = None,
    store: Store = None,
    now: Now = None,  # noqa: ARG001
    json: Json = False,
) -> None:
    """Writes evidence that anybody can verify who has Python and nothing of ours."""
    from service.keeping.verifying import checkpoint_of

    file = out_file(out)
    with opened(store).reading() as moment:
        events = write_evidence(moment, account, checkpoint_of(checkpoint), file)
    Output(json).counted("events", events)


def write_evidence(moment: Any, account: str | None, checkpoint: Any, out: Path) -> int:
    """Writes the evidence and the program beside it; how many events it has."""
    from exposure.ledger.proof.evidence import export
    from exposure.ledger.proof.proofs import NoProof
    from schemas.jsontext import written

    lines = -1
    try:
        with open(out, "wb") as file:
            for line in export(moment, account, checkpoint):
                file.write(written(line) + b"\n")
                lines += 1
    except NoProof as error:
        out.unlink()
        raise Failure("no_proof", str(error)) from error
    shutil.copyfile(VERIFIER, out.parent / VERIFIER.name)
    return lines
