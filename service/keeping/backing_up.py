"""``exposure backup`` and ``restore``: a store copied into a file while others write to it, and a new store out of that file; both verified.

The log proves itself, and nothing else in the file does: so beside it stands the SHA-256 of its bytes, in the way of ``sha256sum``.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import Any

import typer

from exposure.ledger.ledger import STORE_FAILS
from exposure.ledger.proof.verify import verify
from exposure.ledger.stores.copying import NotEmpty, copy, count, tables_copied
from exposure.ledger.stores.schema import LATEST, WrongStoreVersion
from exposure.ledger.stores.sqlite import version_of
from projections.status import status
from service.failures import BUSINESS_NO, DONE, Failure
from service.keeping.digests import digest_of
from service.keeping.verifying import show
from service.progress import progress_of
from service.shown.output import Output
from service.store import open_store

TAKEN_ON = """Nothing that was decided since the copy was made is in it. First `exposure read-back` brings back what was told of it on topics: credit
checks and reservations, releases of held orders, limits by request, measures, dunning notices, promises to pay. All else that people said since
only a newer copy has: dunning stopped, policies, corrections, notes on promises, what was done about alerts and dead letters.
Then start its consumers and feeders: they go on from there by themselves. While the old store lives, give them another group (--group)."""


def backup_store(source: Any, file: str, output: Output) -> int:
    if Path(file).exists():
        raise Failure("file_exists", f"there is a file {file!r} already")
    with in_the_making(Path(file)) as made:
        copied(source, made, quiet=output.json)
        return told(made, output)


def restore_store(file: str, new: Callable[[], Any], output: Output) -> int:
    """A backup that is damaged is not restored; nor is anything mixed with what is there."""
    if not Path(file).is_file():
        raise Failure("no_such_file", f"there is no file {file!r}")
    is_altered = has_other_bytes(Path(file))
    with upgraded(file) as source:
        with readable(file):
            damage = verify(source).first_bad
        if damage is not None:
            raise Failure("damaged", f"nothing was restored: {file} is damaged at position {damage.position}: {damage.reason}", BUSINESS_NO)
        if is_altered:
            why = f"its log is whole, and its bytes are not those that {digest_file(Path(file))} tells of"
            raise Failure("damaged", f"nothing was restored: {file} was altered since it was written: {why}", BUSINESS_NO)
        target = new()
        copied(source, target, quiet=output.json)
    code = told(target, output)
    if not output.json:
        typer.echo(TAKEN_ON)
    return code


@contextmanager
def in_the_making(file: Path) -> Iterator[Any]:
    """A new store in a file that only its owner reads, and that has its name once all is in it."""
    part = Path(f"{file}.part")
    remove(part)
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        store = open_store(f"sqlite:///{part}", create=True)
        try:
            yield store
        finally:
            store.datastore.close()
        digest_file(file).write_text(f"{digest_of(part)}  {file.name}\n", encoding="utf-8")
        os.replace(part, file)
    finally:
        remove(part)


def digest_file(file: Path) -> Path:
    return file.with_name(f"{file.name}.sha256")


def has_other_bytes(file: Path) -> bool:
    """Whether a backup is another one than was written; where nothing says so any more, that is said."""
    try:
        told = digest_file(file).read_text(encoding="utf-8", errors="replace").split()
    except FileNotFoundError:
        typer.echo(f"exposure: there is no {digest_file(file)}: of {file} nothing but the log is verified", err=True)
        return False
    return told[:1] != [digest_of(file)]


def remove(part: Path) -> None:
    for end in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            os.unlink(f"{part}{end}")


@contextmanager
def upgraded(file: str) -> Iterator[Any]:
    """The store of a backup; one of an older version is upgraded beside it, and the file stays as it is."""
    with TemporaryDirectory(prefix="exposure-") as folder:
        with readable(file):
            version = version_of(file)
            if version is None:
                raise Failure("no_backup", f"nothing was restored: {file} holds nothing")
            place = file if version == LATEST else copyfile(file, f"{folder}/backup.db")
            store = open_store(f"sqlite:///{place}")
        try:
            yield store
        finally:
            store.datastore.close()


@contextmanager
def readable(file: str) -> Iterator[None]:
    """Turns what goes wrong with a file that is no backup, or not all of one, into a failure of the command."""
    try:
        yield
    except WrongStoreVersion as error:
        raise Failure("no_backup", f"nothing was restored: {error}") from error
    except (sqlite3.Error, STORE_FAILS) as error:
        raise Failure("damaged", f"nothing was restored: {file} is damaged, cut off or no backup at all: {error}", BUSINESS_NO) from error


def copied(source: Any, target: Any, *, quiet: bool) -> None:
    with source.reading() as moment, target.writing(0) as writing:
        tables = tables_copied(writing)
        with progress_of("copy", count(moment, tables), quiet) as progress:
            try:
                copy(moment, writing, tables, progress)
            except NotEmpty as error:
                raise Failure("not_empty", str(error)) from error


def told(store: Any, output: Output) -> int:
    """Verifies a copy and says what it holds, and how far each source was taken; damage is a business no."""
    outcome = verify(store)
    if output.json:
        with store.reading() as moment:
            output.document({"ok": outcome.first_bad is None, "hash": outcome.end.hash.hex(), **status(moment)})
    else:
        show(outcome, output)
        with store.reading() as moment:
            output.status(status(moment))
    return DONE if outcome.first_bad is None else BUSINESS_NO
