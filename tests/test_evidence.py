"""Evidence of a log is verified by one file that needs nothing of ours, and whatever of it is altered is found."""

import os
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from exposure.ledger.acts.cases import record
from exposure.ledger.acts.policies import adopt
from exposure.ledger.keys import new_signing_key, sign
from exposure.ledger.proof.checkpoint_keys import rotate
from exposure.ledger.proof.checkpoint_keys import told as statement
from exposure.ledger.proof.checkpoints import Checkpoint, signed
from exposure.ledger.proof.evidence import export
from exposure.ledger.proof.proofs import NoProof
from exposure.ledger.proof.verify import verify
from schemas.facts import LimitRequested
from schemas.jsontext import read, written
from schemas.policy_file import read_policy
from service.deciding.checking import Request, check
from service.keeping.packing import named
from service.keeping.proofs import VERIFIER
from service.sample import sample
from service.standalone.verify_evidence import ORDER, Bad, Evidence, is_packed, is_signed, verified
from tests.command import exposure
from tests.mutilating import KEY, Log, chained_anew, logged, made
from tests.stores import NOW, alter, copied, fed
from tests.test_house import imported

MADE = "2026-03-02T09:00:00Z"
FLIPS = 300
POLICIES = [read_policy(f'name = "Credit {year}"\ncurrency = "EUR"\n[[class]]\n') for year in (2025, 2026)]


@pytest.fixture(scope="module")
def fed_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return logged(tmp_path_factory.mktemp("fed") / "exposure.db")


@pytest.fixture
def store(fed_once: Path, tmp_path: Path) -> Any:
    return copied(fed_once, tmp_path / "exposure.db")


def evidence(store: Any, account: str | None, checkpoint: Checkpoint) -> list[bytes]:
    with store.reading() as moment:
        return [written(line) for line in export(moment, account, checkpoint)]


def ask(request: str, account: str) -> LimitRequested:
    return LimitRequested(request, account, "base", "1500.00", "EUR", None, None, "they grow", "k.weiss", "default")


def bad_line(lines: list[bytes], trusted: str) -> int:
    with pytest.raises(Bad) as refused:
        verified(lines, trusted)
    found = re.match(r"line (\d+)", str(refused.value))
    assert found is not None
    return int(found[1])


def test_evidence_of_an_account_is_all_that_is_recorded_of_it_and_of_nobody_else(store: Any) -> None:
    asked = [("limit_request:1", ask("1", "C-1001")), ("limit_request:2", ask("2", "C-1002"))]
    with store.writing(NOW) as writing:
        record(writing, asked, "k.weiss")
    checkpoint = made(store)
    told = verified(evidence(store, "C-1001", checkpoint), checkpoint.key)
    with store.reading() as moment:
        recorded = len(list(moment.events("account:C-1001")))
    assert (told.account, told.events) == ("C-1001", recorded + 1)
    assert set(told.streams) == {"account:C-1001", "limit_request:1"}


def test_evidence_of_the_whole_log_is_the_log_of_the_checkpoint(store: Any) -> None:
    checkpoint = made(store)
    assert verified(evidence(store, None, checkpoint), checkpoint.key).events == checkpoint.events
    fed(store, sample(700, seed=5, accounts=12))
    assert verified(evidence(store, None, checkpoint), checkpoint.key).events == checkpoint.events


@pytest.mark.parametrize("account", [None, "C-1001"])
def test_no_bit_of_evidence_can_be_turned(store: Any, account: str | None) -> None:
    checkpoint = made(store)
    lines = evidence(store, account, checkpoint)
    for seed in range(FLIPS):
        chance = random.Random(seed)
        number = chance.randrange(len(lines))
        line = bytearray(lines[number])
        line[chance.randrange(len(line))] ^= 1 << chance.randrange(8)
        assert bad_line([*lines[:number], bytes(line), *lines[number + 1 :]], checkpoint.key) == number + 1, (seed, bytes(line))


@pytest.mark.parametrize("account", [None, "C-1001"])
def test_no_event_of_evidence_can_be_left_out_moved_or_told_twice(store: Any, account: str | None) -> None:
    checkpoint = made(store)
    lines = evidence(store, account, checkpoint)
    for number in (1, 5, 20):
        before, behind = lines[:number], lines[number + 1 :]
        assert bad_line([*before, *behind], checkpoint.key) >= number + 1
        assert bad_line([*before, lines[number], lines[number], *behind], checkpoint.key) == number + 2
        assert bad_line([*before, behind[0], lines[number], *behind[1:]], checkpoint.key) >= number + 1
    assert bad_line(lines[:1], checkpoint.key) == 1
    assert bad_line([], checkpoint.key) == 0


def test_the_end_of_a_log_can_not_be_left_out_of_its_evidence(store: Any) -> None:
    checkpoint = made(store)
    lines = evidence(store, None, checkpoint)
    assert bad_line(lines[:-1], checkpoint.key) == len(lines) - 1


def test_evidence_of_another_account_or_another_log_is_none(store: Any) -> None:
    checkpoint = made(store)
    lines = evidence(store, "C-1001", checkpoint)
    header = read(lines[0])
    assert bad_line([written({**header, "account": "C-1002"}), *lines[1:]], checkpoint.key) == 2
    outcome = verify(store)
    other = signed(KEY, outcome.events, outcome.end.position, outcome.end.hash, outcome.end.hash, MADE)
    assert bad_line([written({**header, "checkpoint": other.document}), *lines[1:]], checkpoint.key) == 2


def test_evidence_is_of_the_key_that_is_trusted_and_of_those_that_follow_it(store: Any) -> None:
    first, second, stranger = made(store).key, new_signing_key(), new_signing_key()
    rotation = rotate(store, lambda: NOW, KEY, second, MADE, "m.vogt", "a new key every year")
    outcome = verify(store)
    ends = (outcome.events, outcome.end.position, outcome.end.hash, outcome.root, MADE)
    later, old = signed(second, *ends), signed(KEY, *ends)
    for account in (None, "C-1001"):
        assert verified(evidence(store, account, later), first).key == rotation.new_key
        assert verified(evidence(store, account, later), None).checkpoint["key"] == rotation.new_key
        for checkpoint, trusted in ((later, signed(stranger, *ends).key), (old, first)):
            lines = evidence(store, account, checkpoint)
            assert bad_line(lines, trusted) == len(lines)


def test_a_statement_of_another_key_that_the_old_one_did_not_sign_is_found(store: Any) -> None:
    checkpoint, thief = made(store), new_signing_key()
    rotation = rotate(store, lambda: NOW, KEY, thief, MADE, "m.vogt", "a new key every year")
    with store.writing(0) as writing:
        log = Log(writing)
        told = read(log.events()[-1].values[3])
        _, signature = sign(thief, statement(told["old_key"], told["new_key"], told["made"]))
        log.set(rotation.position, "state", written({**told, "signature": signature.hex()}))
        chained_anew(log, 0)
    outcome = verify(store)
    assert outcome.first_bad is None
    forged = signed(thief, outcome.events, outcome.end.position, outcome.end.hash, outcome.root, MADE)
    assert bad_line(evidence(store, None, forged), checkpoint.key) == rotation.position + 1


@pytest.fixture
def judged(store: Any) -> Any:
    """Three decisions: under no policy that was adopted, under the first one, and under the second."""
    check(store, Request("C-1001", "O-991", "1.00"), lambda: NOW, "k.weiss")
    for number, policy in enumerate(POLICIES):
        adopt(store, lambda: NOW, policy, "board", "decided")
        check(store, Request("C-1001", f"O-{number}", "1.00"), lambda: NOW, "k.weiss")
    return store


def places(lines: list[bytes], stream: str) -> list[int]:
    """The numbers of the lines of a stream, or of all whose names begin so."""
    return [number for number, line in enumerate(lines, 1) if str(read(line).get("stream", "")).startswith(stream)]


def test_evidence_of_an_account_proves_the_policies_that_its_decisions_name(judged: Any) -> None:
    checkpoint = made(judged)
    lines = evidence(judged, "C-1001", checkpoint)
    assert [one["version"] for _, one in verified(lines, checkpoint.key).adopted] == [policy.version for policy in POLICIES]
    first, second = places(lines, "policy:adopted")
    decisions = places(lines, "decision:")
    assert bad_line([*lines[: first - 1], *lines[first:]], checkpoint.key) == second - 1, "the one that is left does not follow it"
    assert bad_line([*lines[: second - 1], *lines[second:]], checkpoint.key) == decisions[2] - 1
    left = [line for number, line in enumerate(lines, 1) if number not in (first, second)]
    with pytest.raises(Bad, match=r"policy .*, which it names, was not adopted before it, or its adoption is missing"):
        verified(left, checkpoint.key)
    assert bad_line(left, checkpoint.key) == decisions[1] - 1, "the first decision that names one"


@pytest.mark.parametrize(("told", "wrong"), [("decision:", "is not the one that was in force then"), ("policy:adopted", "is not the digest")])
@pytest.mark.parametrize("account", [None, "C-1001"])
def test_who_makes_the_log_anew_can_not_put_another_policy_under_a_decision(judged: Any, account: str | None, told: str, wrong: str) -> None:
    """A decision is made to name a policy that was replaced before it; a policy is made to say something else under its version."""
    with judged.writing(0) as writing:
        log = Log(writing)
        event = [one for one in log.events() if one.values[0].startswith(told)][-1]
        other = event.values[3].replace(POLICIES[1].version.encode(), POLICIES[0].version.encode()).replace(b"Credit 2026", b"Credit 2027")
        assert other != event.values[3]
        log.set(event.position, "state", other)
        chained_anew(log, 0)
    checkpoint = made(judged)
    lines = evidence(judged, account, checkpoint)
    with pytest.raises(Bad, match=wrong) as refused:
        verified(lines, checkpoint.key)
    assert str(refused.value).startswith(f"line {places(lines, told)[-1]} (position {event.position})")


def test_there_is_no_evidence_of_an_account_beside_the_checkpoint_of_another_log(store: Any) -> None:
    checkpoint = made(store)
    alter(store, "UPDATE stored_events SET hash = previous_hash WHERE rowid = 9")
    with pytest.raises(NoProof):
        evidence(store, "C-1001", checkpoint)


def test_the_program_is_laid_beside_the_evidence_and_needs_nothing_of_ours(store: Any, tmp_path: Path) -> None:
    path, out = tmp_path / "exposure.db", tmp_path / "out"
    out.mkdir()
    checkpoint = made(store)
    (tmp_path / "checkpoint.json").write_bytes(written(checkpoint.document))
    said = exposure("proof", "export", "C-1001", "--checkpoint", tmp_path / "checkpoint.json", "--out", out / "evidence.jsonl", "--json", store=path)
    assert said.exit_code == 0
    assert {file.name for file in out.iterdir()} == {"evidence.jsonl", "verify_evidence.py"}

    def run(*words: str) -> tuple[int, str]:
        done = subprocess.run([sys.executable, "-I", "-S", "verify_evidence.py", *words], cwd=out, capture_output=True, text=True, env={**os.environ})
        return done.returncode, done.stdout

    code, printed = run("evidence.jsonl", "--key", checkpoint.key)
    assert (code, printed.startswith(f"ok: {said.json['events']} events of account C-1001")) == (0, True)
    lines = (out / "evidence.jsonl").read_bytes().splitlines(keepends=True)
    (out / "less.jsonl").write_bytes(b"".join([*lines[:4], *lines[5:]]))
    code, printed = run("less.jsonl", "--key", checkpoint.key)
    assert (code, printed.startswith("BAD: line 5 (position ")) == (3, True)
    assert run("nothing.jsonl")[0] == 2
    assert run("evidence.jsonl", "--key", f" {checkpoint.key.upper()}\n")[0] == 0, "a key is one however it was copied"
    assert [run("evidence.jsonl", "--key", key)[0] for key in ("KEY", checkpoint.key[:-1], "")] == [2, 2, 3]


def test_the_program_imports_the_standard_library_alone() -> None:
    assert set(imported(VERIFIER)) <= sys.stdlib_module_names | {"collections.abc"}
    assert len(VERIFIER.read_text(encoding="utf-8").splitlines()) < 380, "it is to be read before it is run"


SIGNED = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]
"""Public key, message and signature of tests 1 to 3 of RFC 8032, section 7.1."""


@pytest.mark.parametrize(("key", "message", "signature"), SIGNED)
def test_signatures_are_those_of_rfc_8032(key: str, message: str, signature: str) -> None:
    assert is_signed(*map(bytes.fromhex, (key, signature, message)))
    assert not is_signed(*map(bytes.fromhex, (key, signature, f"{message}00")))


@settings(max_examples=40)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=100), st.integers(0, 511))
def test_signatures_are_what_the_engines_library_says(seed: bytes, message: bytes, bit: int) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = key.public_key().public_bytes_raw(), key.sign(message)
    assert is_signed(public, signature, message)
    altered = bytearray(signature)
    altered[bit // 8] ^= 1 << bit % 8
    assert not is_signed(public, bytes(altered), message)
    assert not is_signed(public, signature, message + b"x")
    again = signature[:32] + (int.from_bytes(signature[32:], "little") + ORDER).to_bytes(32, "little")
    assert not is_signed(public, again, message)


def test_an_archive_is_named_by_its_account_harmlessly_and_no_two_alike() -> None:
    odd = ["../etc", "a/b", "a_b", "a b", ".", "Ä" * 250, "Ä" * 249, "x" * 250, "con:nul\x00", "C-1001"]
    names = [named(account, "2026-02-01", "2026-02-28") for account in odd]
    assert len(set(names)) == len(odd)
    assert all(len(name.encode()) < 200 and Path(name).name == name and re.fullmatch(r"[\w.%~-]+", name, re.ASCII) for name in names), names


@pytest.mark.parametrize("unreadable", [b"[" * 100_000, b"[1" + b"0" * 10_000 + b"]"])
def test_what_no_program_can_read_is_bad_and_no_failure_of_the_program(tmp_path: Path, unreadable: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(unreadable)
    with pytest.raises(Bad, match=r"line 1: it can not be read"):
        verified([unreadable], None)
    with pytest.raises(Bad, match=r"manifest\.json can not be read"):
        is_packed(tmp_path / "manifest.json", tmp_path / "evidence.jsonl", Evidence.__new__(Evidence))
