"""Proofs out of a store: that an event is in the log of a checkpoint, that one log goes on from another; and which key signs."""

from pathlib import Path
from typing import Any

import pytest

from exposure.ledger.keys import key_id, new_signing_key, public_key
from exposure.ledger.proof import proofs
from exposure.ledger.proof.checkpoint_keys import KeyNotInUse, key_in_use, rotate, rotations
from exposure.ledger.proof.checkpoints import Checkpoint, read_checkpoint
from exposure.ledger.proof.proofs import NoProof, Proofs
from service.sample import sample
from tests.checking_proofs import is_consistent, is_included
from tests.command import exposure
from tests.mutilating import KEY, Log, Open, altering, chained_anew, logged, made
from tests.stores import NOW, copied, fed

pytestmark = pytest.mark.usefixtures("each_store")

MADE = "2026-03-02T09:00:00Z"


@pytest.fixture(scope="module")
def fed_once(each_store: str, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001 (a store of its kind)
    return logged(tmp_path_factory.mktemp("fed") / "exposure.db")


@pytest.fixture
def store(fed_once: Path, tmp_path: Path) -> Any:
    return copied(fed_once, tmp_path / "exposure.db")


@pytest.mark.parametrize("block", [1, 8, 256, 1_024])
def test_every_event_is_proven_to_be_in_the_log(store: Any, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(proofs, "BLOCK", block)
    checkpoint = made(store)
    with store.reading() as moment:
        of_log = Proofs(moment, checkpoint)
        hashes = moment.hashes_of(0, checkpoint.position)
        for place, hash_ in enumerate(hashes):
            told = of_log.included(place + 1)
            assert (told.place, told.hash, told.before) == (place, hash_, hashes[place - 1] if place else bytes(32))
            assert is_included(place, checkpoint.events, bytes.fromhex(checkpoint.root), hash_, told.path)
        for position in (0, -1, checkpoint.position + 1):
            with pytest.raises(NoProof):
                of_log.included(position)


def test_a_log_that_goes_on_is_proven_to_and_one_that_was_chained_anew_is_not(store: Any) -> None:
    earlier = made(store)
    fed(store, sample(700, seed=5, accounts=12))
    later = made(store)
    with store.reading() as moment:
        path = Proofs(moment, later).consistent(earlier)
        assert Proofs(moment, earlier).included(7).place == 6
        with pytest.raises(NoProof):
            Proofs(moment, earlier).consistent(later)
    assert is_consistent(earlier.events, later.events, (bytes.fromhex(earlier.root), bytes.fromhex(later.root)), path)
    with altering(store) as log:
        chained_anew(log, 7)
        with pytest.raises(NoProof, match="is not the one"):
            Proofs(log.writing, later)
        with pytest.raises(NoProof, match="is not the beginning"):
            Proofs(log.writing, made_of(log)).consistent(earlier)


def made_of(log: Log) -> Checkpoint:
    return made(Open(log))


def test_keys_follow_each_other_each_from_its_place_in_the_log_on(store: Any) -> None:
    second, third = new_signing_key(), new_signing_key()
    keys = [public_key(pem).hex() for pem in (KEY, second, third)]
    first_place = rotate(store, lambda: NOW, KEY, second, MADE, "m.vogt", "yearly").position
    second_place = rotate(store, lambda: NOW, second, third, MADE, "m.vogt", "yearly").position
    with store.reading() as moment:
        told = list(rotations(moment))
    assert [key_in_use(keys[0], told, position) for position in (1, first_place - 1, first_place, second_place)] == [
        keys[0],
        keys[0],
        keys[1],
        keys[2],
    ]
    assert key_in_use(keys[1], told, second_place) == keys[2]
    assert key_in_use("ab" * 32, told, second_place) == "ab" * 32
    with pytest.raises(KeyNotInUse):
        key_in_use(keys[0], [told[0]._replace(new_key="ab" * 32), told[1]], second_place)
    for old, new in ((KEY, new_signing_key()), (second, new_signing_key()), (third, KEY), (third, third)):
        with pytest.raises(KeyNotInUse):
            rotate(store, lambda: NOW, old, new, MADE, "m.vogt", "again")
    with store.reading() as moment:
        assert list(rotations(moment)) == told


def test_a_checkpoint_is_read_as_it_was_made_and_no_other_document_is_one(store: Any) -> None:
    checkpoint = made(store)
    document = checkpoint.document
    assert read_checkpoint(document) == checkpoint
    assert document["key_id"] == key_id(checkpoint.key)
    assert read_checkpoint(checkpoint._asdict()) == checkpoint, "those made before keys had ids"
    for other in ({**document, "key_id": "ab"}, {**document, "events": str(checkpoint.events)}, {**document, "more": 1}, {}):
        with pytest.raises(ValueError, match="checkpoint"):
            read_checkpoint(other)


def test_the_commands_prove_it_and_rotate_keys(fed_once: Path, tmp_path: Path) -> None:
    path, first, second, keys = tmp_path / "exposure.db", tmp_path / "first.json", tmp_path / "second.json", tmp_path / "keys.json"
    copied(fed_once, path)
    old, new = tmp_path / "old.pem", tmp_path / "new.pem"
    first.write_text(exposure("checkpoint", "--key", old, store=path).out)
    rotated = exposure("checkpoint-keys", "rotate", "--key", old, "--new", new, "--reason", "yearly", "--by", "m.vogt", "--json", store=path)
    assert rotated.exit_code == 0
    assert exposure("checkpoint", "--key", old, "--json", store=path).json["error"]["code"] == "bad_key"
    second.write_text(exposure("checkpoint", "--key", new, "--jobs", "2", store=path).out)
    (rotation,) = rotated.json["rotations"]
    assert exposure("checkpoint-keys", "--json", store=path).json["rotations"] == [rotation]
    exposure("checkpoint-keys", "export", "--out", keys, store=path)
    for more in ([], ["--keys", keys]):
        assert exposure("verify", "--checkpoint", second, "--key", rotation["old_key"], *more, store=path).exit_code == 0
    said = exposure("verify", "--checkpoint", first, "--key", rotation["new_key"], "--json", store=path)
    assert said.json["error"]["code"] == "bad_checkpoint"
    copied(fed_once, tmp_path / "older.db")
    said = exposure("verify", "--checkpoint", second, "--key", rotation["old_key"], "--keys", keys, "--json", store=tmp_path / "older.db")
    assert (said.exit_code, said.json["first_bad"]["position"]) == (3, rotation["position"])

    told = exposure("proof", "consistency", "--from", first, "--to", second, "--json", store=path).json
    sizes, roots = (told["from"]["events"], told["to"]["events"]), (bytes.fromhex(told["from"]["root"]), bytes.fromhex(told["to"]["root"]))
    assert is_consistent(*sizes, roots, [bytes.fromhex(part) for part in told["path"]])
    told = exposure("proof", "inclusion", "--position", "9", "--checkpoint", second, "--json", store=path).json
    (event,) = told["events"]
    assert is_included(event["index"], sizes[1], roots[1], bytes.fromhex(event["hash"]), [bytes.fromhex(part) for part in event["path"]])
    assert len(exposure("proof", "inclusion", "C-1001", "--checkpoint", second, "--json", store=path).json["events"]) > 20
    assert exposure("proof", "inclusion", "C-none", "--checkpoint", second, "--json", store=path).json["error"]["code"] == "unknown_account"
    assert exposure("proof", "inclusion", "--position", "9000", "--checkpoint", second, "--json", store=path).json["error"]["code"] == "no_proof"
    assert exposure("proof", "inclusion", "--checkpoint", second, store=path).exit_code == 2
