"""Apache Kafka and PostgreSQL as the scripts bring them up: what they acknowledged is there after a kill, and nobody starts a second one."""

import os
import socket
import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

from tests.patience import SECONDS_MAX
from tests.services import SCRIPTS, Killable, address, required, script

RECORDS = [b"record %d" % number for number in range(1000)]


def made_topic(bootstrap: str) -> str:
    name = f"topic-{uuid.uuid4().hex}"
    with KafkaAdminClient(bootstrap_servers=bootstrap) as admin:
        admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=1)], wait_for_metadata=True)
    return name


def produce(bootstrap: str, topic: str, records: list[bytes], compression: str | None = None) -> None:
    with KafkaProducer(bootstrap_servers=bootstrap, acks="all", compression_type=compression) as producer:
        for sent in [producer.send(topic, value=record, partition=0) for record in records]:
            sent.get(timeout=SECONDS_MAX)


def read_back(bootstrap: str, topic: str, count: int) -> list[bytes]:
    with KafkaConsumer(
        bootstrap_servers=bootstrap, consumer_timeout_ms=SECONDS_MAX * 1000, auto_offset_reset="none", enable_auto_commit=False
    ) as consumer:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        consumer.seek(partition, 0)
        return [record.value for _, record in zip(range(count), consumer, strict=False)]


@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
def test_what_is_produced_is_read_back(kafka: str, compression: str | None) -> None:
    topic = made_topic(kafka)
    produce(kafka, topic, RECORDS, compression)
    assert read_back(kafka, topic, len(RECORDS)) == RECORDS
    with KafkaAdminClient(bootstrap_servers=kafka) as admin:
        admin.delete_topics([topic])


def test_a_topic_is_not_made_by_asking_for_it(kafka: str) -> None:
    with KafkaConsumer(bootstrap_servers=kafka) as consumer:
        assert not consumer.partitions_for_topic("nobody-made-it")
        assert "nobody-made-it" not in consumer.topics()


def test_what_kafka_acknowledged_is_there_after_a_kill(killable_kafka: Killable) -> None:
    bootstrap = killable_kafka.start()
    topic = made_topic(bootstrap)
    produce(bootstrap, topic, RECORDS)
    killable_kafka.kill()
    assert killable_kafka.told("status").returncode == 1
    assert killable_kafka.start() == bootstrap
    produce(bootstrap, topic, [b"after"])
    assert read_back(bootstrap, topic, len(RECORDS) + 1) == [*RECORDS, b"after"]


def insert_and_kill_before_the_commit(server: Killable, url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO taken VALUES ('not committed')")
        server.kill()


def test_what_postgresql_committed_is_there_after_a_kill_and_nothing_else_is(killable_postgresql: Killable) -> None:
    url = killable_postgresql.start()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE taken (word text)")
        connection.execute("INSERT INTO taken VALUES ('committed')")
    with pytest.raises(psycopg.OperationalError):
        insert_and_kill_before_the_commit(killable_postgresql, url)
    assert killable_postgresql.told("status").returncode == 1
    assert killable_postgresql.start() == url
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT word FROM taken").fetchall() == [("committed",)]
        assert connection.execute("SHOW fsync").fetchone() == ("on",)


def test_a_test_has_a_database_of_its_own(postgresql: str, postgresql_server: str) -> None:
    assert postgresql != postgresql_server
    with psycopg.connect(postgresql) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)


def test_who_has_not_the_password_is_not_let_in(postgresql: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(postgresql, password="another")


@pytest.mark.parametrize("service", SCRIPTS)
def test_several_that_start_it_at_once_are_told_one_address(service: str, request: pytest.FixtureRequest) -> None:
    server: Killable = request.getfixturevalue(f"killable_{service}")
    with ThreadPoolExecutor(3) as starters:
        told = {start.result() for start in [starters.submit(server.start) for _ in range(3)]}
    assert len(told) == 1
    assert server.told("status").stdout.strip() in told
    assert server.told("stop").returncode == server.told("stop").returncode == 0
    assert server.told("kill").returncode == 1


@pytest.mark.parametrize(("service", "variable"), [("kafka", "KAFKA_BOOTSTRAP"), ("postgresql", "EXPOSURE_POSTGRES")])
def test_one_that_the_environment_names_is_taken_and_never_killed(service: str, variable: str, tmp_path: Path) -> None:
    elsewhere = os.environ | {variable: "somewhere:1"}
    assert script(service, "start", "--folder", str(tmp_path / "none"), env=elsewhere).stdout == "somewhere:1\n"
    killed = script(service, "kill", "--folder", str(tmp_path / "none"), env=elsewhere)
    assert (killed.returncode, killed.stderr.count("\n")) == (1, 1)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("service", SCRIPTS)
def test_one_that_can_not_start_says_why_in_a_line_and_is_skipped_unless_it_is_required(
    service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("KAFKA_BOOTSTRAP", "EXPOSURE_POSTGRES"):
        monkeypatch.delenv(variable, raising=False)
    with socket.create_server(("127.0.0.1", 0)) as other:
        ran = script(service, "start", "--folder", str(tmp_path / "none"), "--port", str(other.getsockname()[1]))
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (1, "", 1)
    monkeypatch.setenv("EXPOSURE_REQUIRE", "another")
    with pytest.raises(pytest.skip.Exception, match=f"no {service}"):
        address(service, ran)
    monkeypatch.setenv("EXPOSURE_REQUIRE", f"another, {service}")
    assert required(service)
    with pytest.raises(pytest.fail.Exception, match=f"{service} is required"):
        address(service, ran)


def test_a_server_outlives_the_pipe_of_who_started_it(killable_postgresql: Killable) -> None:
    command = [sys.executable, str(SCRIPTS["postgresql"]), "start", "--folder", str(killable_postgresql.folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as starter:
        assert starter.communicate(timeout=SECONDS_MAX)[0].startswith(b"postgresql://")
    assert killable_postgresql.told("status").returncode == 0
