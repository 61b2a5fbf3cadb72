"""Whatever one byte, row or tail of a log is altered, ``verify`` and the program that has its evidence alone find it, and name the same record."""

import random
from pathlib import Path
from typing import Any

import pytest

from exposure.ledger.proof.checkpoints import Checkpoint
from exposure.ledger.proof.evidence import export
from exposure.ledger.proof.proofs import NoProof
from exposure.ledger.proof.verify import verify
from schemas.jsontext import written
from service.standalone.verify_evidence import Bad, verified
from tests.mutilating import ALTERING, Open, altering, logged, made
from tests.stores import copied

pytestmark = pytest.mark.usefixtures("each_store")

MUTILATIONS = {"sqlite": 100, "postgresql": 10}


@pytest.fixture(scope="module")
def fed_once(each_store: str, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001 (a store of its kind)
    return logged(tmp_path_factory.mktemp("fed") / "exposure.db")


@pytest.fixture
def store(fed_once: Path, tmp_path: Path) -> Any:
    return copied(fed_once, tmp_path / "exposure.db")


def mutilate(store: Any, times: int) -> None:
    """Each mutilation is found beside a checkpoint, and by the program that has the log's evidence alone; both name the same record."""
    checkpoint = made(store)
    for seed in range(times):
        with altering(store) as log:
            chance = random.Random(seed)
            alteration = chance.choice(ALTERING)
            bad = alteration(log, chance)
            found = verify(Open(log), checkpoint=checkpoint, stretch=chance.choice([50, 100, 1_000])).first_bad
            assert found is not None, (seed, alteration)
            assert found.position in bad, (seed, alteration, found)
            if "another type" in found.reason:
                # Evidence has bytes alone: of what is of another type than it was there is none.
                with pytest.raises(NoProof, match=f"position {found.position} is of another type"):
                    list(export(log.writing, None, checkpoint))
                continue
            evidence = [written(line) for line in export(log.writing, None, checkpoint)]
            with pytest.raises(Bad) as refused:
                verified(evidence, checkpoint.key)
            line = int(str(refused.value).split()[1].rstrip(":"))
            # The first line is no event's; where the end is missing the last one that is there is named.
            assert line in (found.position, found.position + 1), (seed, alteration, found, refused.value)
    assert verify(store, checkpoint=checkpoint).first_bad is None
    verified([written(line) for line in evidence_of(store, checkpoint)], checkpoint.key)


def evidence_of(store: Any, checkpoint: Checkpoint) -> list[Any]:
    with store.reading() as moment:
        return list(export(moment, None, checkpoint))


def test_every_mutilation_is_found_and_the_first_bad_record_named(each_store: str, store: Any) -> None:
    mutilate(store, MUTILATIONS[each_store])


@pytest.mark.long
def test_each_of_a_thousand_mutilations_is_found(store: Any) -> None:
    mutilate(store, 1_000)
