"""``exposure evidence``: one archive with all that is recorded of an account, for who has no engine: pages, sheets, lines of JSON, and their proof.

Law: the same store, question and clock give the same bytes. Nothing is in the archive that its manifest does not name, and no event in words that
is not in the evidence; what could not be taken stands beside it, by the word of the manifest. Lines are written as they come; what is held in memory
are the account's events as recorded.
"""

import csv
import os
import re
import shutil
from collections.abc import Iterable
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, NamedTuple, TextIO
from urllib.parse import quote
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from exposure.ledger.keys import sign
from exposure.ledger.proof.checkpoints import Checkpoint
from exposure.ledger.proof.evidence import export
from exposure.ledger.proof.proofs import NoProof
from projections import evidence
from projections.account import Asked
from projections.dead_letters import with_acts
from projections.evidence import PART_OF, PARTS, Period
from projections.origins import Origins
from projections.statement import statement
from projections.when import instant_text
from schemas.jsontext import laid_out, written
from service.failures import Failure
from service.keeping.digests import digest_of
from service.keeping.proofs import VERIFIER
from service.keeping.statements import as_page
from service.shown.pages import page
from service.shown.sheet import harmless

MANIFEST = "manifest.json"
BEGINNING = (1980, 1, 1, 0, 0, 0)
"""The first instant a zip can tell."""
BASE = ("position", "stream", "version", "type", "source", "id", "time", "recorded", "actor", "in_period", "hash")
FIELDS = {part: [field for kind in kinds for field in kind._fields] for part, kinds in PARTS.items()}
UNSIGNED = "not signed: it proves only that it agrees with itself, unless its root {root} is that of a signed checkpoint"
LETTER = ("id", "source", "position", "code", "reason", "recorded", "outcome", "settled", "acts", "record_bytes", "record", "record_base64")
NAME_MAX = 100
SHEET_ENCODING = "utf-8-sig"
"""With the mark at its beginning that spreadsheets want: without it they read the letters of names as those of an older code."""
NUMBER = re.compile(r"-?\d+(\.\d+)?")


class Wanted(NamedTuple):
    """What the archive is of; ``key`` (PEM) signs its manifest, where there is one. Nobody may have signed the checkpoint."""

    account: str
    period: Period
    checkpoint: Checkpoint
    now: int
    key: bytes | None


class Sheet:
    """Rows, as lines of JSON and as a sheet, while they are written. ``data`` has a column for each field that is named, or one for all of it."""

    def __init__(self, lines: BinaryIO, sheet: TextIO, fields: Iterable[str] | None) -> None:
        self.fields = None if fields is None else tuple(dict.fromkeys(fields))
        self.rows = 0
        self.lines = lines
        self.sheet = csv.writer(sheet, lineterminator="\n")
        columns = ("data", "personal") if self.fields is None else [f"data.{field}" for field in self.fields]
        self.sheet.writerow([*BASE, *columns])

    def put(self, row: dict[str, Any]) -> None:
        self.rows += 1
        self.lines.write(written(row) + b"\n")
        told = [row["data"], row.get("personal")] if self.fields is None else [row["data"].get(field) for field in self.fields]
        self.sheet.writerow([cell(value) for value in (*(row[name] for name in BASE), *told)])


def named(account: str, first: str, last: str) -> str:
    """The archive's file where nobody names one. Two accounts never have the same; one that is named oddly or at length has signs for it."""
    own = quote(account, safe="")
    if len(own) > NAME_MAX:
        own = f"{own[:NAME_MAX]}-{sha256(account.encode()).hexdigest()[:16]}"
    return f"evidence-{own}-{first}-{last}.zip"


def cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value if NUMBER.fullmatch(value) else harmless(value)
    return written(value).decode()


def pack(moment: Any, wanted: Wanted, out: Path) -> dict[str, Any]:
    """Writes the archive and returns its manifest. Raises ``UnknownAccount`` or ``NotKnownBefore``."""
    check_proven(moment, wanted)
    with TemporaryDirectory(dir=out.absolute().parent) as place:
        folder = Path(place) / "pack"
        (folder / "policies").mkdir(parents=True)
        counted = write_events(moment, wanted, folder)
        counted["dead_letters"] = write_letters(moment, wanted, folder)
        texts, adoptions = evidence.policies(moment, wanted.period.known_at)
        for version, text in texts.items():
            (folder / "policies" / f"{version}.json").write_text(text, encoding="utf-8")
        (folder / "policies.jsonl").write_bytes(b"".join(written(one) + b"\n" for one in adoptions))
        write_pages(moment, wanted, folder, {**counted, "policies": len(adoptions)})
        shutil.copyfile(VERIFIER, folder / VERIFIER.name)
        names = sorted(
            (file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()), key=lambda name: (name != "index.html", name)
        )
        manifest = manifest_of(moment, wanted, counted["history"], [(name, folder / name) for name in names])
        (folder / MANIFEST).write_bytes(laid_out(manifest))
        whole = Path(place) / "pack.zip"
        zipped(folder, [*names, MANIFEST], whole)
        os.replace(whole, out)
    return manifest


def check_proven(moment: Any, wanted: Wanted) -> None:
    behind = evidence.unproven_from(moment, wanted.account, wanted.checkpoint.position, wanted.period.known_at)
    if behind is not None:
        why = f"something was recorded of {wanted.account}, or of policies or keys, at {behind}, behind the checkpoint of {wanted.checkpoint.made}"
        raise Failure("old_checkpoint", f"{why}: make a newer one, or let --to be earlier")


def write_events(moment: Any, wanted: Wanted, folder: Path) -> dict[str, int]:
    """The evidence, all of it in words, and parts of that by themselves; how many events each has."""
    account, period = wanted.account, wanted.period
    key, origins = moment.keys([account]).get(account), Origins(moment)
    with ExitStack() as opened:

        def sheet(name: str, fields: Iterable[str] | None) -> Sheet:
            lines = opened.enter_context(open(folder / f"{name}.jsonl", "wb"))
            return Sheet(lines, opened.enter_context(open(folder / f"{name}.csv", "w", encoding=SHEET_ENCODING, newline="")), fields)

        history = sheet("history", None)
        parts = {part: sheet(part, fields) for part, fields in FIELDS.items()}
        proof = opened.enter_context(open(folder / "evidence.jsonl", "wb"))
        try:
            for number, line in enumerate(export(moment, account, wanted.checkpoint, period.known_at)):
                proof.write(written(line) + b"\n")
                if number:
                    row = evidence.event(line, account, key, origins, period)
                    history.put(row)
                    if line["topic"] in PART_OF:
                        parts[PART_OF[line["topic"]]].put(row)
        except NoProof as error:
            raise Failure("no_proof", str(error)) from error
    return {"history": history.rows, **{part: sheet.rows for part, sheet in parts.items()}}


def write_letters(moment: Any, wanted: Wanted, folder: Path) -> int:
    """What could not be taken, and what people did about it; how many there are."""
    with open(folder / "dead_letters.jsonl", "wb") as lines, open(folder / "dead_letters.csv", "w", encoding=SHEET_ENCODING, newline="") as sheet:
        cells = csv.writer(sheet, lineterminator="\n")
        cells.writerow(LETTER)
        count = 0
        for letter in with_acts(moment, wanted.account, wanted.period.known_at):
            count += 1
            lines.write(written(letter) + b"\n")
            cells.writerow([cell(letter.get(name)) for name in LETTER])
    return count


def write_pages(moment: Any, wanted: Wanted, folder: Path, counted: dict[str, int]) -> None:
    account, period = wanted.account, wanted.period
    told = statement(moment, account, Asked(wanted.now, period.last, period.known_at), period.first)
    (folder / "statement.html").write_bytes(as_page(told))
    before, end = evidence.ends(moment, account, wanted.now, period)
    known = {"known_before": instant_text(period.before), "known_at": instant_text(period.known_at), "made": instant_text(wanted.now)}
    about = {"account": account, "name": told["name"], "period": period, "checkpoint": wanted.checkpoint, "is_signed": wanted.key is not None}
    (folder / "index.html").write_bytes(page("evidence.html", {**about, **known, "before": before, "end": end, "counted": counted}))


def manifest_of(moment: Any, wanted: Wanted, events: int, files: list[tuple[str, Path]]) -> dict[str, Any]:
    """``digest`` is the SHA-256 of the manifest as it is without it and ``signature``, and in its one spelling."""
    content = {
        "exposure_pack": 1,
        "account": wanted.account,
        "from": wanted.period.first,
        "to": wanted.period.last,
        "known_at": instant_text(wanted.period.known_at),
        "made": instant_text(wanted.now),
        "store_version": moment.version(),
        "checkpoint": wanted.checkpoint.document,
        "events": events,
        "files": [{"name": name, "bytes": file.stat().st_size, "sha256": digest_of(file)} for name, file in files],
    }
    if not wanted.checkpoint.key:
        content["unsigned"] = UNSIGNED.format(root=wanted.checkpoint.root)
    digest = sha256(laid_out(content)).hexdigest()
    signature = None if wanted.key is None else sign(wanted.key, f"exposure pack 1\n{digest}\n".encode())[1].hex()
    return {**content, "digest": digest, "signature": signature}


def zipped(folder: Path, names: list[str], out: Path) -> None:
    """Files in their order, each of no date and of nobody: the same files are the same archive."""
    with ZipFile(out, "w") as archive:
        for name in names:
            info = ZipInfo(name, BEGINNING)
            info.compress_type, info.external_attr, info.create_system = ZIP_DEFLATED, 0o644 << 16, 3
            with open(folder / name, "rb") as read, archive.open(info, "w", force_zip64=True) as into:
                shutil.copyfileobj(read, into, 1 << 20)
