"""``exposure verify`` and ``checkpoint``: whether the log is whole and unaltered, with a progress bar for people; damage is a business no."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

from exposure.ledger.keys import new_signing_key
from exposure.ledger.proof.checkpoint_keys import KeyNotInUse, check_in_use, key_in_use, read_rotation, rotations
from exposure.ledger.proof.checkpoints import Checkpoint, read_checkpoint, signed, unsigned
from exposure.ledger.proof.verify import Outcome, verify
from projections.when import instant_text
from schemas.jsontext import NotJson, read
from service.failures import BUSINESS_NO, DONE, WRONG_USAGE, Failure
from service.keeping.rebuilding import events_of
from service.progress import progress_of
from service.shown.output import Output


def verify_store(again: Callable[[], Any], output: Output, jobs: int | None, checkpoint: str | None, key: str | None, keys: str | None) -> int:
    """Verifies a store, beside a checkpoint's file where there is one, and shows what was found; the exit code is that of a business no where that
    is damage. ``again`` opens the store."""
    if checkpoint is None and (key, keys) != (None, None):
        raise Failure("usage", "--key and --keys say who may have signed a --checkpoint: name one", WRONG_USAGE)
    store, made = again(), None
    if checkpoint is not None:
        made = checkpoint_of(checkpoint)
        if key is not None:
            check_key(store, made, public_key(key), keys)
    outcome = verified(store, again, output, jobs, made)
    show(outcome, output)
    return DONE if outcome.first_bad is None else BUSINESS_NO


def verified(store: Any, again: Callable[[], Any], output: Output, jobs: int | None, checkpoint: Checkpoint | None = None) -> Outcome:
    with progress_of("verify", events_of(store), output.json) as progress:
        return verify(store, progress, checkpoint, again, jobs or os.cpu_count() or 1)


def checkpoint_of(file: str) -> Checkpoint:
    """The checkpoint of a file; its signature has to be right."""
    try:
        return read_checkpoint(read(Path(file).read_bytes()))
    except NotJson as error:
        raise Failure("bad_checkpoint", f"{file} holds no checkpoint") from error
    except ValueError as error:
        raise Failure("bad_checkpoint", f"{file}: {error}") from error


def public_key(text: str) -> str:
    """A key in its one spelling, however it was copied."""
    try:
        return bytes.fromhex(text).hex()
    except ValueError as error:
        raise Failure("usage", f"--key {text!r} is no public key, which has 64 hexadecimal letters", WRONG_USAGE) from error


def check_key(store: Any, checkpoint: Checkpoint, trusted: str, keys: str | None) -> None:
    """The key that signed has to be the trusted one, or to follow it by then; what follows which is said by the log, or by a file."""
    try:
        with store.reading() as moment:
            told = list(rotations(moment)) if keys is None else [read_rotation(one) for one in read(Path(keys).read_bytes())["rotations"]]
        in_use = key_in_use(trusted, told, checkpoint.position)
    except (KeyError, TypeError, ValueError) as error:
        raise Failure("bad_key", str(error)) from error
    if in_use != checkpoint.key:
        why = f"signed with key {checkpoint.key}, not with {in_use}"
        raise Failure(
            "bad_checkpoint", f"the checkpoint was {why}, which signs there for who trusts {trusted}; a log that was cut may lack what --keys says"
        )


def make_checkpoint(again: Callable[[], Any], output: Output, jobs: int | None, key_file: str, now: Callable[[], int]) -> int:
    """Prints the signed checkpoint of a log that is whole; of another one none is made. ``again`` opens the store."""
    made = checkpoint_now(again, output, jobs, key_file, now)
    if made is None:
        return BUSINESS_NO
    output.document(made.document)
    return DONE


def checkpoint_now(again: Callable[[], Any], output: Output, jobs: int | None, key_file: str | None, now: Callable[[], int]) -> Checkpoint | None:
    """The checkpoint of a log that is whole, signed where there is a key; of another one it is shown what is damaged."""
    store = again()
    outcome = verified(store, again, output, jobs)
    if outcome.first_bad is not None:
        show(outcome, output)
        return None
    ends = (outcome.events, outcome.end.position, outcome.end.hash, outcome.root, instant_text(now()))
    if key_file is None:
        return unsigned(*ends)
    key = key_of(key_file)
    try:
        with store.reading() as moment:
            check_in_use(moment, key)
        return signed(key, *ends)
    except KeyNotInUse as error:
        raise Failure("bad_key", str(error)) from error
    except ValueError as error:
        raise Failure("bad_key", f"{key_file} is no key to sign with: {error}") from error


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
