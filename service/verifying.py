"""``exposure verify`` and ``checkpoint``: whether the log is whole and unaltered, with a progress bar for people; damage is a business no."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

from exposure.ledger.checkpoints import Checkpoint, signed
from exposure.ledger.keys import new_signing_key
from exposure.ledger.verify import Outcome, verify
from projections.when import instant_text
from schemas.jsontext import read
from service.failures import BUSINESS_NO, DONE, Failure
from service.output import Output
from service.rebuilding import progress_of


def verify_store(store: Any, output: Output, checkpoint: str | None, key: str | None) -> int:
    """Verifies a store, beside a checkpoint's file where there is one, and shows what was found; the exit code is that of a business no where that
    is damage."""
    outcome = verified(store, output, None if checkpoint is None else checkpoint_of(checkpoint, key))
    show(outcome, output)
    return DONE if outcome.first_bad is None else BUSINESS_NO


def verified(store: Any, output: Output, checkpoint: Checkpoint | None = None) -> Outcome:
    with store.reading() as moment:
        events, _ = moment.count_events()
    with progress_of("verify", events, output.json) as progress:
        return verify(store, progress, checkpoint)


def checkpoint_of(file: str, key: str | None) -> Checkpoint:
    """The checkpoint of a file; its signature has to be right, and the key the one that is named, where one is."""
    try:
        checkpoint = Checkpoint(**read(Path(file).read_bytes()))
    except (TypeError, ValueError) as error:
        raise Failure("bad_checkpoint", f"{file} holds no checkpoint") from error
    if not checkpoint.is_signed:
        raise Failure("bad_checkpoint", f"the signature of {file} is not right: the checkpoint was altered")
    if key is not None and key != checkpoint.key:
        raise Failure("bad_checkpoint", f"{file} was signed with key {checkpoint.key}, not with {key}")
    return checkpoint


def make_checkpoint(store: Any, output: Output, key_file: str, now: Callable[[], int]) -> int:
    """Prints the signed checkpoint of a log that is whole; of another one none is made."""
    outcome = verified(store, output)
    if outcome.first_bad is not None:
        show(outcome, output)
        return BUSINESS_NO
    try:
        output.document(signed(key_of(key_file), outcome.events, outcome.end.position, outcome.end.hash, outcome.root, instant_text(now()))._asdict())
    except ValueError as error:
        raise Failure("bad_key", f"{key_file} is no key to sign with: {error}") from error
    return DONE


def key_of(file: str) -> bytes:
    """The key of a file; one that is not there is made, and only its owner may read it."""
    path = Path(file)
    if not path.exists():
        with open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as out:
            out.write(new_signing_key())
        typer.echo(f"exposure: made a new key in {file}: keep it where who writes to the store can not read it", err=True)
    return path.read_bytes()


def show(outcome: Outcome, output: Output) -> None:
    bad = outcome.first_bad
    if output.json:
        output.document({"ok": bad is None, "events": outcome.events, "first_bad": None if bad is None else bad._asdict()})
    elif bad is None:
        typer.echo(f"events {outcome.events:,}  the log is whole and unaltered")
    else:
        whose = f" (account {bad.account})" if bad.account else ""
        typer.echo(f"events {outcome.events:,} are good; DAMAGED at position {bad.position}{whose}: {bad.reason}")
