"""What all tests share: how many histories each law is tried on (2,000; more with ``--hypothesis-profile=long``), and the real services."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests import stores
from tests.services import kafka, kafka_prefix, killable_kafka, killable_postgresql, postgresql, postgresql_server

__all__ = ["kafka", "kafka_prefix", "killable_kafka", "killable_postgresql", "postgresql", "postgresql_server"]

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
settings.register_profile("default", max_examples=2000, deadline=None, suppress_health_check=QUIET, derandomize=True)
settings.register_profile("long", max_examples=100_000, deadline=None, suppress_health_check=QUIET)
settings.register_profile("quick", max_examples=200, deadline=None, suppress_health_check=QUIET)
settings.load_profile("default")

LONGEST = {
    f"test_{name}"
    for name in ("consume_crash", "alerts_out", "readme", "laws", "watch", "relay_crash", "desk_laws", "consume", "crash", "two_clocks")
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files begin, so that nobody waits for one of them at the end."""
    items.sort(key=lambda item: item.path.stem not in LONGEST)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def each_store(request: pytest.FixtureRequest) -> Iterator[str]:
    """Everything a module does with stores, once on each database."""
    with stores.using(request.getfixturevalue("postgresql_server") if request.param == "postgresql" else None):
        yield request.param


@pytest.fixture(autouse=True)
def given_back() -> Iterator[None]:
    """Stores that a test opens are closed at its end."""
    with stores.given_back():
        yield


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a test has its store."""
    return tmp_path / "exposure.db"


@pytest.fixture
def store(path: Path) -> Any:
    """One with nothing in it."""
    return stores.opened(path)
