"""An archive of evidence is read without the engine, says nothing that is not proven, and whatever of it is altered is found."""

import csv
import random
import subprocess
import sys
from hashlib import blake2b
from hashlib import sha256 as digest
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipFile

import pytest

from exposure.ledger.acts.cases import record
from exposure.ledger.acts.dead_letters import Order, discard, retry
from exposure.ledger.acts.policies import adopt
from exposure.ledger.keys import new_signing_key
from exposure.ledger.proof.checkpoint_keys import rotate
from exposure.ledger.proof.checkpoints import Checkpoint, signed
from exposure.ledger.proof.verify import verify
from projections.evidence import period_of
from projections.when import instant_text
from schemas.facts import LimitRequested
from schemas.jsontext import laid_out, read, written
from schemas.policies import DEFAULT
from schemas.policy_text import versioned
from service.deciding.checking import Request, check
from service.deciding.releasing import Release, release
from service.failures import Failure
from service.keeping.packing import BASE, Wanted, manifest_of, pack
from service.running.ticking import tick
from service.standalone.verify_evidence import Bad, is_packed, verified
from tests.alerting import at
from tests.command import exposure
from tests.mutilating import KEY
from tests.stores import alter, copied, fed, opened
from tests.test_rules import ACCOUNT, CUSTOMER, Json, invoice, limit, told

FROM, TO, TODAY = "2026-02-01", "2026-02-28", "2026-03-10"
NAME = "Kessler <b>& Söhne</b>"
BEFORE = [
    told("customer.changed", "2026-01-01", **{**CUSTOMER, "name": NAME}),
    limit("L-1", "2026-01-01", "1000.00"),
    invoice("I-1", "2026-01-12", "800.00"),
    told("customer.changed", "2026-01-01", subject="C-2", **CUSTOMER),
]
BYTES = 6
"""So many of each file are altered, one at a time."""


class Packed(NamedTuple):
    """An archive, unpacked into a folder, and the key that is to be trusted."""

    folder: Path
    manifest: Json
    key: str

    def rows(self, name: str) -> list[Json]:
        return [read(line) for line in (self.folder / f"{name}.jsonl").read_bytes().splitlines()]

    def is_signed(self) -> bool:
        evidence = self.folder / "evidence.jsonl"
        with open(evidence, "rb") as lines:
            return is_packed(self.folder / "manifest.json", evidence, verified(lines, self.key))

    def wrong(self) -> str:
        with pytest.raises(Bad) as refused:
            self.is_signed()
        return str(refused.value)

    def with_manifest(self, **other: Any) -> "Packed":
        """Who alters an archive makes its manifest anew."""
        told = {name: value for name, value in {**self.manifest, **other}.items() if name not in ("digest", "signature")}
        for file in told["files"]:
            whole = (self.folder / file["name"]).read_bytes()
            file.update(bytes=len(whole), sha256=sha256(whole))
        (self.folder / "manifest.json").write_bytes(laid_out({**told, "digest": sha256(laid_out(told)), "signature": None}))
        return self


def sha256(whole: bytes) -> str:
    return digest(whole).hexdigest()


@pytest.fixture(scope="module")
def lived(each_store: str, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001 (a store of its kind)
    """Told in January: an invoice; in February: a held order, its release, a request, a policy, an alert; in March: a payment and its invoice."""
    path = tmp_path_factory.mktemp("lived") / "exposure.db"
    store = opened(path)
    fed(store, map(written, BEFORE), now=at("2026-01-15"))
    held = check(store, Request(ACCOUNT, "O-1", "500.00"), lambda: at("2026-02-10"), "erp")
    release(store, Release(held["decision_id"], "m.vogt", "they paid today"), lambda: at("2026-02-11"))
    asked = LimitRequested("1", ACCOUNT, "base", "1500.00", "EUR", None, None, "they grow", "k.weiss", "default")
    with store.writing(at("2026-02-12")) as writing:
        record(writing, [("limit_request:1", asked), ("limit_request:2", asked._replace(request="2", account="C-2"))], "k.weiss")
    adopt(store, lambda: at("2026-02-13"), versioned(DEFAULT._replace(name="ours")), "m.vogt", "a name of our own")
    tick(store, lambda: at("2026-02-20"))
    fed(store, map(written, [invoice("I-2", "2026-02-20", "10.00")]), now=at("2026-03-02"))
    store.datastore.close()
    return path


@pytest.fixture
def store(lived: Path, path: Path) -> Any:
    return copied(lived, path)


def checkpoint_of(store: Any, key: bytes = KEY) -> Checkpoint:
    outcome = verify(store)
    return signed(key, outcome.events, outcome.end.position, outcome.end.hash, outcome.root, instant_text(at(TODAY)))


def packed(store: Any, folder: Path, *, first: str = FROM, last: str = TO, checkpoint: Checkpoint | None = None, key: bytes | None = KEY) -> Packed:
    made, folder = checkpoint or checkpoint_of(store, key or KEY), folder / "unpacked"
    folder.mkdir()
    with store.reading() as moment:
        wanted = Wanted(ACCOUNT, period_of(moment, ACCOUNT, at(TODAY), first, last), made, at(TODAY), key)
        manifest = pack(moment, wanted, folder.parent / "pack.zip")
    with ZipFile(folder.parent / "pack.zip") as archive:
        archive.extractall(folder)
    assert [file.name for file in folder.parent.iterdir() if file.is_dir()] == ["unpacked"], "nothing else is left behind"
    return Packed(folder, manifest, made.key)


def test_it_is_verified_in_an_empty_folder_by_a_python_that_has_nothing_else(store: Any, tmp_path: Path) -> None:
    it = packed(store, tmp_path)

    (it.folder / "policies" / "more.json").write_bytes(b"{}")
    code, said = ran(it.folder, "--key", it.key)
    assert (code, said.startswith(f"ok: {it.manifest['events']} events of account {ACCOUNT}")) == (0, True)
    assert said.endswith("is signed with that key; NOT in the manifest, and not looked at: 'policies/more.json'\n")
    (it.folder / "statement.html").write_bytes((it.folder / "statement.html").read_bytes() + b" ")
    assert ran(it.folder, "--key", it.key) == (3, "BAD: statement.html was altered\n")
    (it.folder / "statement.html").unlink()
    assert ran(it.folder, "--key", it.key) == (3, "BAD: statement.html is missing\n")


def test_no_byte_of_any_file_can_be_altered(store: Any, tmp_path: Path) -> None:
    it = packed(store, tmp_path)
    assert it.is_signed()
    files = [file for file in it.folder.rglob("*") if file.is_file() and file.stat().st_size]
    assert {file.relative_to(it.folder).as_posix() for file in files} >= {"manifest.json", "index.html", "policies/default.json", "approvals.csv"}
    for file in files:
        whole = file.read_bytes()
        for seed in range(BYTES):
            chance, altered = random.Random(seed), bytearray(whole)
            altered[-1 if seed == 0 else chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
            file.write_bytes(altered)
            assert it.wrong(), (file, seed)
        file.write_bytes(whole)
    (it.folder / "manifest.json").write_bytes(laid_out(it.manifest) + b"\n")
    assert it.wrong() == "manifest.json was altered", "it has one spelling"
    (it.folder / "manifest.json").write_bytes(laid_out(it.manifest))
    assert it.is_signed()


def test_who_makes_the_manifest_anew_can_not_sign_it_and_can_not_alter_what_is_proven(store: Any, tmp_path: Path) -> None:
    it = packed(store, tmp_path)
    page = it.folder / "statement.html"
    page.write_bytes(page.read_bytes().replace(b"800.00", b"900.00"))
    assert it.with_manifest().is_signed() is False
    assert ran(it.folder)[0] == 0
    refused = "BAD: nobody signed the manifest, so the key that you trust did not; without --manifest the evidence alone is verified\n"
    assert ran(it.folder, "--key", it.key) == (3, refused)
    (it.folder / "manifest.json").write_bytes(laid_out({**read((it.folder / "manifest.json").read_bytes()), "signature": it.manifest["signature"]}))
    assert it.wrong() == "manifest.json is not signed by the key of the checkpoint"
    whole = (history := it.folder / "history.jsonl").read_bytes()
    for altered in (
        whole.replace(b"800.00", b"900.00", 1),
        whole.replace(b'"2026-01-15T12', b'"2026-01-16T12', 1),
        whole + whole.splitlines()[0] + b"\n",
    ):
        history.write_bytes(altered)
        assert it.with_manifest().wrong().startswith("history.jsonl, line ")
    history.write_bytes(whole)
    assert it.with_manifest(account="C-2").wrong() == "manifest.json is of other evidence"


def test_its_history_is_its_evidence_in_words(store: Any, tmp_path: Path) -> None:
    it = packed(store, tmp_path)
    history, (header, *proven) = it.rows("history"), it.rows("evidence")
    assert [(row["position"], row["stream"], row["hash"]) for row in history] == [(one["position"], one["stream"], one["hash"]) for one in proven]
    assert (header["account"], it.manifest["events"]) == (ACCOUNT, len(history))
    kinds = [row["type"].removeprefix("erp.").removeprefix("exposure.") for row in history]
    assert kinds[:3] == ["customer.changed.v1", "limit.changed.v1", "invoice.posted.v1"]
    assert {"order_checked.v2", "hold_released.v1", "limit_requested.v1", "alert_raised.v1", "policy_adopted.v1"} <= set(kinds)
    with open(it.folder / "history.csv", encoding="utf-8-sig", newline="") as sheet:
        rows = list(csv.DictReader(sheet))
    assert [(row["position"], read(row["data"])) for row in rows] == [(str(row["position"]), row["data"]) for row in history]
    assert all(sheet.read_bytes().startswith(b"\xef\xbb\xbf") for sheet in it.folder.glob("*.csv")), "spreadsheets ask for the mark"


def test_decisions_approvals_and_alerts_stand_by_themselves_too(store: Any, tmp_path: Path) -> None:
    it = packed(store, tmp_path)
    history = it.rows("history")
    (decision,) = it.rows("decisions")
    assert (decision["data"]["decision"], decision["data"]["reasons"], decision["data"]["policy"]) == ("held", ["over_limit"], "default")
    assert decision["data"]["inputs"]
    assert [row["type"] for row in it.rows("approvals")] == ["exposure.hold_released.v1", "exposure.limit_requested.v1"]
    assert {row["data"]["rule"] for row in it.rows("alerts")} >= {"overdue"}
    for part in ("decisions", "approvals", "alerts", "dunning", "measures", "corrections"):
        assert all(row in history for row in it.rows(part))
        columns, *cells = csv.reader(StringIO((it.folder / f"{part}.csv").read_text(encoding="utf-8-sig"), newline=""))
        assert (tuple(columns[: len(BASE)]), len(cells)) == (BASE, len(it.rows(part)))
    assert "C-2" not in {row["data"].get("account") for row in history}


def test_the_policies_are_those_that_decisions_name_and_a_version_is_a_digest_of_its_file(store: Any, tmp_path: Path) -> None:
    it = packed(store, tmp_path)
    (adopted,) = it.rows("policies")
    names = {file.stem for file in (it.folder / "policies").iterdir()}
    assert (names, adopted["by"]) == ({"default", adopted["policy"]}, "m.vogt")
    assert blake2b((it.folder / "policies" / f"{adopted['policy']}.json").read_bytes()).hexdigest()[:12] == adopted["policy"]


def test_the_policies_of_decisions_are_proven_and_none_can_be_changed_or_left_out(store: Any, tmp_path: Path) -> None:
    check(store, Request(ACCOUNT, "O-2", "1.00"), lambda: at("2026-03-03"), "erp")
    it = packed(store, tmp_path, last="2026-03-03")
    assert it.is_signed()
    (adopted,), decisions = it.rows("policies"), it.rows("decisions")
    assert [row["data"]["policy"] for row in decisions] == ["default", adopted["policy"]]
    (event,) = (row for row in it.rows("history") if row["stream"] == "policy:adopted")
    own = it.folder / "policies" / f"{adopted['policy']}.json"
    assert (event["recorded"], event["data"]["text"].encode()) == (adopted["adopted"], own.read_bytes())
    for file, wrong in (
        (own, f"policies/{own.name} is not the policy that was adopted"),
        (it.folder / "policies.jsonl", "policies.jsonl does not say"),
    ):
        whole = file.read_bytes()
        file.write_bytes(whole.replace(b"ours", b"mine"))
        assert it.with_manifest().wrong().startswith(wrong)
        file.write_bytes(whole)
    assert it.with_manifest().is_signed() is False
    for name in (f"policies/{own.name}", "policies.jsonl", "history.jsonl"):
        assert it.with_manifest(files=[file for file in it.manifest["files"] if file["name"] != name]).wrong() == f"{name} is missing"


def test_all_is_told_as_it_was_known_when_the_period_ended_and_what_was_recorded_in_it_is_marked(store: Any, tmp_path: Path) -> None:
    it = packed(store, tmp_path)
    assert it.manifest["known_at"] == "2026-02-28T22:59:59.999999Z"
    history = it.rows("history")
    assert [row["in_period"] for row in history] == [row["recorded"] >= "2026-01-31T23" for row in history]
    assert {row["in_period"] for row in history} == {True, False}
    assert "I-2" not in (it.folder / "statement.html").read_text(encoding="utf-8") + (it.folder / "history.jsonl").read_text(encoding="utf-8")
    index = (it.folder / "index.html").read_text(encoding="utf-8")
    assert ">2026-01-31</td>" in index
    assert index.count(">800.00</td>") == 5, "receivables and exposure at both ends, and at the last one it is overdue"


def test_a_period_that_is_not_over_is_told_as_known_now(store: Any, tmp_path: Path) -> None:
    it = packed(store, tmp_path, first="2026-03-10", last="2026-12-31")
    assert it.manifest["known_at"] == "2026-03-10T12:00:00Z"
    assert "I-2" in (it.folder / "history.jsonl").read_text(encoding="utf-8")


def test_what_the_checkpoint_does_not_know_is_not_left_out_in_silence(store: Any, tmp_path: Path) -> None:
    old = checkpoint_of(store)
    fed(store, map(written, [invoice("I-3", "2026-03-03", "5.00")]), now=at("2026-03-03"))
    assert packed(store, tmp_path, checkpoint=old, key=None).is_signed() is False
    (tmp_path / "later").mkdir()
    with pytest.raises(Failure, match=r"recorded of C-1001, or of policies or keys, at 2026-03-03T12:00:00Z, behind the checkpoint"):
        packed(store, tmp_path / "later", last="2026-03-03", checkpoint=old, key=None)


def test_keys_that_followed_each_other_later_are_told_as_well(store: Any, tmp_path: Path) -> None:
    first, second = checkpoint_of(store).key, new_signing_key()
    rotate(store, lambda: at("2026-03-05"), KEY, second, instant_text(at("2026-03-05")), "m.vogt", "a new key every year")
    it = packed(store, tmp_path, key=second)._replace(key=first)
    assert it.is_signed()
    assert it.rows("history")[-1]["recorded"].startswith("2026-03-05")


def test_of_who_was_erased_the_archive_has_no_name(store: Any, tmp_path: Path) -> None:
    told_before = packed(store, tmp_path)
    assert told_before.rows("history")[0]["personal"] == {"name": NAME}
    assert "Kessler &lt;b&gt;&amp; Söhne" in (told_before.folder / "index.html").read_text(encoding="utf-8")
    alter(store, "DELETE FROM account_keys WHERE account = ?", ACCOUNT)
    (tmp_path / "erased").mkdir()
    it = packed(store, tmp_path / "erased")
    assert it.rows("history")[0]["personal"] is None
    assert not [file for file in it.folder.rglob("*") if file.is_file() and b"Kessler" in file.read_bytes()]
    assert it.is_signed()


def test_the_same_question_gives_the_same_bytes(store: Any, tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        packed(store, tmp_path / name)
    one, other = ((tmp_path / name / "pack.zip").read_bytes() for name in ("one", "other"))
    assert one == other
    with ZipFile(BytesIO(one)) as archive:
        names = archive.namelist()
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert (names[0], names[-1]) == ("index.html", "manifest.json")
    assert names[1:-1] == sorted(names[1:-1])


def test_a_manifest_of_any_account_has_one_spelling_in_both_programs(store: Any, tmp_path: Path) -> None:
    it = packed(store, tmp_path)
    odd = 'C\u007f"\\/\u2028é\U0001f642\u0001'
    with store.reading() as moment:
        period = period_of(moment, ACCOUNT, at(TODAY), FROM, TO)
        manifest = manifest_of(moment, Wanted(odd, period, checkpoint_of(store), at(TODAY), None), 1, [])
    (it.folder / "manifest.json").write_bytes(laid_out(manifest))
    assert it.wrong() == "manifest.json is of other evidence"


def test_the_command_packs_beside_a_checkpoint_or_with_a_key_and_prints_the_manifest(store: Any, path: Path, tmp_path: Path) -> None:
    (tmp_path / "checkpoint.json").write_bytes(written(checkpoint_of(store).document))
    store.datastore.close()
    words = ("evidence", ACCOUNT, "--from", FROM, "--now", f"{TODAY}T12:00:00Z", "--out", tmp_path / "pack.zip")
    beside, key = ("--checkpoint", tmp_path / "checkpoint.json"), ("--key", tmp_path / "key.pem")
    said = exposure(*words, "--to", TO, *beside, "--json", store=path)
    assert (said.exit_code, said.json["signature"], said.json["to"]) == (0, None, TO)
    said = exposure(*words, "--to", TO, *key, store=path)
    assert (said.exit_code, said.out) == (
        0,
        f"{read_manifest(tmp_path)['events']} events of {ACCOUNT} to {TO}, known at 2026-02-28T22:59:59.999999Z: {tmp_path / 'pack.zip'}\n",
    )
    assert read_manifest(tmp_path)["signature"]
    for wrong in ((*beside, *key, "--to", TO), ("--to", "2026-01-31", *beside)):
        assert exposure(*words, *wrong, store=path).exit_code == 2


def ran(folder: Path, *words: str) -> tuple[int, str]:
    """The program as it lies in an archive's folder."""
    line = ("verify_evidence.py", "evidence.jsonl", "--manifest", "manifest.json", *words)
    done = subprocess.run([sys.executable, "-I", "-S", *line], cwd=folder, capture_output=True, text=True, env={})
    return done.returncode, done.stdout


def test_without_a_key_it_is_packed_here_and_all_of_it_says_that_nobody_signed_it(
    store: Any, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed_root = checkpoint_of(store).root
    store.datastore.close()
    monkeypatch.chdir(tmp_path)
    words = ("evidence", ACCOUNT, "--from", FROM, "--to", TO, "--now", f"{TODAY}T12:00:00Z")
    said = exposure(*words, store=path)
    out, note = f"evidence-{ACCOUNT}-{FROM}-{TO}.zip", f"not signed: it proves only that it agrees with itself, unless its root {signed_root} is that"
    assert (said.exit_code, out in said.out, said.out.splitlines()[1]) == (0, True, f"{note} of a signed checkpoint")
    with ZipFile(tmp_path / out) as archive:
        archive.extractall(tmp_path / "unpacked")
    it = Packed(tmp_path / "unpacked", read((tmp_path / "unpacked" / "manifest.json").read_bytes()), "")
    assert exposure(*words, "--json", store=path).json == it.manifest
    assert (it.manifest["unsigned"], it.manifest["signature"], it.manifest["checkpoint"]["key"]) == (f"{note} of a signed checkpoint", None, None)
    index = (it.folder / "index.html").read_text(encoding="utf-8")
    assert "Nobody signed this archive" in index
    assert ("--key KEY" in index, signed_root in index, "Take the program from whom you trust as well" in index) == (True, True, True)
    code, printed = ran(it.folder)
    assert (code, f"NOT SIGNED by anybody: it agrees with itself, and proves no more unless the root {signed_root}" in printed) == (0, True)
    assert "signed with" not in printed
    assert ran(it.folder, "--key", "00" * 32) == (3, "BAD: line 1: nobody signed it, so the key that you trust did not\n")
    lines = (it.folder / "evidence.jsonl").read_bytes()
    (it.folder / "evidence.jsonl").write_bytes(lines.replace(signed_root.encode(), b"0" * 64))
    assert ran(it.folder)[1].startswith("BAD: line 2 "), "each event is proven to be in the tree"


def test_what_could_not_be_taken_is_in_it_with_what_people_did_about_it(store: Any, tmp_path: Path) -> None:
    bad = {**invoice("I-7", "2026-02-01", "1.001"), "data": {**invoice("I-7", "2026-02-01", "1.001")["data"], "text": "Kessler " * 9000}}
    fed(
        store,
        map(written, [bad, invoice("I-8", "2026-02-01", "=2"), {**invoice("I-9", "2026-02-01", "1.001"), "subject": "C-2"}]),
        now=at("2026-03-03"),
    )
    with store.reading() as moment:
        first, other, _ = moment.open_letters()
    retry(store, lambda: at("2026-03-03"), [first], Order("k.weiss", "once more"))
    discard(store, lambda: at("2026-03-04"), [first], Order("m.vogt", "told twice"))
    discard(store, lambda: at("2026-03-05"), [other], Order("m.vogt", "behind the period"))
    it = packed(store, tmp_path, last="2026-03-04")
    assert it.is_signed()
    still, gone = it.rows("dead_letters")
    assert (still["id"], still["outcome"], still["acts"], gone["id"], gone["outcome"]) == (other.hex(), None, [], first.hex(), "discarded")
    assert [(act["act"], act["by"], act["reason"]) for act in gone["acts"]] == [
        ("retried", "k.weiss", "once more"),
        ("discarded", "m.vogt", "told twice"),
    ]
    assert (still["record"], gone["record_bytes"], len(gone["record"])) == (
        written(invoice("I-8", "2026-02-01", "=2")).decode(),
        len(written(bad)),
        65536,
    )
    with open(it.folder / "dead_letters.csv", encoding="utf-8-sig", newline="") as sheet:
        assert [row["id"] for row in csv.DictReader(sheet)] == [still["id"], gone["id"]]
    assert 'dead_letters.jsonl">.jsonl</a></td><td>records' in (it.folder / "index.html").read_text(encoding="utf-8")
    alter(store, "DELETE FROM account_keys WHERE account = ?", ACCOUNT)
    (tmp_path / "erased").mkdir()
    it = packed(store, tmp_path / "erased", last="2026-03-04")
    assert [(row["record"], row["record_bytes"]) for row in it.rows("dead_letters")] == [(None, None)] * 2
    assert not [file for file in it.folder.rglob("*") if file.is_file() and b"Kessler" in file.read_bytes()]


def read_manifest(folder: Path) -> Json:
    with ZipFile(folder / "pack.zip") as archive:
        manifest: Json = read(archive.read("manifest.json"))
        return manifest
