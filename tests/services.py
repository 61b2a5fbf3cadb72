"""The real services in the hands of a test: brought up by the scripts, one of each for all processes of a test run.

Where one can not be had the tests that need it are skipped, in one line; where EXPOSURE_REQUIRE names it they fail.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import psycopg
import pytest
from kafka import KafkaAdminClient

from tests import stores

__all__ = ["kafka", "kafka_prefix", "killable_kafka", "killable_postgresql", "postgresql", "postgresql_server"]

RUN = f"test-{uuid.uuid4().hex[:8]}-"
"""Names the topics of this process among those of others."""
LET_IN_AGAIN = """
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
"""
"""A broker that was killed is let in again when its session before is over; on a busy machine one that lives may seem gone after so short a time."""
ROOT = Path(__file__).parents[1]
SERVICES = ROOT / ".services"
SCRIPTS = {"kafka": ROOT / "scripts" / "kafka", "postgresql": ROOT / "scripts" / "postgres"}
ELSEWHERE = {"KAFKA_BOOTSTRAP", "EXPOSURE_POSTGRES"}


def script(service: str, *words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(SCRIPTS[service]), *words], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)


def required(service: str) -> bool:
    return service in os.environ.get("EXPOSURE_REQUIRE", "").replace(" ", "").split(",")


def address(service: str, ran: subprocess.CompletedProcess[str]) -> str:
    """What a start printed; where it failed the test is skipped or, with a required service, fails."""
    if ran.returncode == 0:
        return ran.stdout.strip()
    if required(service):
        pytest.fail(f"{service} is required and not there: {ran.stderr}", pytrace=False)
    pytest.skip(f"no {service}: {ran.stderr.splitlines()[-1]}")


class Killable(NamedTuple):
    """A server for one test alone, on whose death no other test depends."""

    service: str
    folder: Path

    def told(self, verb: str) -> subprocess.CompletedProcess[str]:
        ours = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
        return script(self.service, verb, "--folder", str(self.folder), env=ours)

    def start(self) -> str:
        return address(self.service, self.told("start"))

    def kill(self) -> None:
        self.told("kill").check_returncode()


@contextmanager
def killable(service: str, further: str = "") -> Iterator[Killable]:
    """Its folder is where `stop --all` finds it, should this process be killed. ``further`` are properties of Kafka besides those of the script."""
    SERVICES.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{SCRIPTS[service].name}-", dir=SERVICES))
    folder.chmod(0o755)
    (folder / "further.properties").write_text(further)
    server = Killable(service, folder)
    try:
        yield server
    finally:
        server.told("stop")
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """Where Kafka answers. The topics that this process made are deleted: a broker has memory for some thousands of partitions."""
    bootstrap = address("kafka", script("kafka", "start"))
    yield bootstrap
    with KafkaAdminClient(bootstrap_servers=bootstrap) as admin:
        admin.delete_topics([name for name in admin.list_topics() if name.startswith(RUN)])


def fresh_prefix() -> str:
    """What the names of one test's topics begin with."""
    return f"{RUN}{uuid.uuid4().hex[:12]}."


@pytest.fixture
def kafka_prefix(kafka: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """What one test's topics begin with in the Kafka that all share; its commands know both."""
    prefix = fresh_prefix()
    monkeypatch.setenv("EXPOSURE_KAFKA_BOOTSTRAP", kafka)
    monkeypatch.setenv("EXPOSURE_KAFKA_PREFIX", prefix)
    return prefix


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The URL of a database that all tests share, to make others from."""
    url = address("postgresql", script("postgresql", "start"))
    yield url
    stores.without_empty(url)


@pytest.fixture
def postgresql(postgresql_server: str) -> Iterator[str]:
    """The URL of a database with nothing in it, for one test."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield urlsplit(postgresql_server)._replace(path=f"/{name}").geturl()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def killable_kafka() -> Iterator[Killable]:
    with killable("kafka", LET_IN_AGAIN) as server:
        yield server


@pytest.fixture
def killable_postgresql() -> Iterator[Killable]:
    with killable("postgresql") as server:
        yield server
