"""Topics in the hands of a test: of its own by their prefix, filled as a test says, and consumed as a user would."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import NamedTuple

from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic

from schemas.topics import TOPICS, topic_of
from tests.command import Said, ran
from tests.patience import until
from tests.services import fresh_prefix
from tests.stores import make, url_of

PARTITIONS = 6
Sent = tuple[str, bytes | None, bytes | None, list[tuple[str, bytes]]]
"""Topic, key, value, headers."""


class Topics(NamedTuple):
    """Where Kafka answers, and what is put before the names of a test's topics."""

    bootstrap: str
    prefix: str

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "KAFKA_BOOTSTRAP": self.bootstrap, "EXPOSURE_KAFKA_PREFIX": self.prefix, "EXPOSURE_KAFKA_GROUP": f"{self.prefix}group"}

    def make(self, partitions: int = PARTITIONS, **different: int) -> "Topics":
        """``different`` names topics (``_`` for what a name has) with another number of partitions."""
        counts = {topic.name: different.get(topic.name.replace(".", "_").replace("-", "_"), partitions) for topic in TOPICS}
        with self.admin() as admin:
            admin.create_topics([NewTopic(self.prefix + name, count, 1) for name, count in counts.items() if count], wait_for_metadata=True)
        return self

    def make_anew(self, name: str) -> None:
        """Deletes a topic and makes another of its name. The brokers may still tell of the old one: waits until they know of the new one."""
        with self.admin() as admin:
            (old,) = admin.describe_topics([self.prefix + name])
            admin.delete_topics([self.prefix + name])
            admin.create_topics([NewTopic(self.prefix + name, len(old["partitions"]), 1)], wait_for_metadata=True)

            def is_known() -> bool:
                (new,) = admin.describe_topics([self.prefix + name])
                return new["error_code"] == 0 and new["topic_id"] != old["topic_id"]

            until(is_known)

    @contextmanager
    def admin(self) -> Iterator[KafkaAdminClient]:
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        try:
            yield admin
        finally:
            admin.close()

    def members(self) -> int:
        """How many consumers of the group have partitions."""
        with self.admin() as admin:
            (group,) = admin.describe_groups([f"{self.prefix}group"]).values()
        return sum(bool(member["member_assignment"]["assigned_partitions"]) for member in group["members"]) if group["group_state"] == "Stable" else 0

    def send(self, messages: Iterable[Sent], per_second: float = float("inf")) -> None:
        """Sends, at most so many a second, and waits until Kafka has acknowledged all of it."""
        producer = KafkaProducer(bootstrap_servers=self.bootstrap, linger_ms=20)
        begin, sent = time.monotonic(), []
        for number, (topic, key, value, headers) in enumerate(messages):
            time.sleep(max(0.0, begin + number / per_second - time.monotonic()))
            sent.append(producer.send(self.prefix + topic, key=key, value=value, headers=headers))
        producer.flush()
        producer.close()
        assert all(one.succeeded() for one in sent)

    def words(self, store: Path, *words: str) -> list[str]:
        make(store)
        return ["consume", "--json", "--store", url_of(store), *words]

    def command(self, store: Path, *words: str) -> list[str]:
        return [sys.executable, "-m", "service", *self.words(store, *words)]

    def consumer(self, store: Path, *words: str, **environment: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(self.command(store, *words), env=self.environment | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def consume(self, store: Path, *words: str, **environment: str) -> Said:
        """Takes everything that is there."""
        return ran(self.words(store, "--until-caught-up", *words), self.environment | environment)


def fresh(bootstrap: str) -> Topics:
    return Topics(bootstrap, fresh_prefix())


def structured(line: bytes) -> Sent:
    """An event as it is sent: to the topic of its type, by its account."""
    event = json.loads(line)
    return topic_of(event["type"]) or "erp.invoices", event["subject"].encode(), line, []


def shuffled(lines: Iterable[bytes], seed: int, repeats: float = 0.1) -> list[bytes]:
    """In any order, some told again."""
    random = Random(seed)
    told = [line for line in lines for _ in range(2 if random.random() < repeats else 1)]
    random.shuffle(told)
    return told
