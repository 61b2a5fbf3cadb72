"""What went out that a restored store may lack: every message its topics still have, or that somebody wrote into a file, one a line."""

from collections.abc import Iterator, Mapping
from heapq import merge
from pathlib import Path
from typing import Any

from consumers.broker.cluster import checked
from consumers.broker.subscribe import Reading
from exposure.ledger.out.lacking import Told
from exposure.ledger.out.read_back import TOPICS
from schemas.instants import instant
from schemas.jsontext import read
from schemas.topics import prefixed

POLL_MS = 500


def from_topics(connection: Mapping[str, Any], prefix: str) -> Iterator[Told]:
    """All that is there now, each account's in the order it was told in: in each topic it is in the partition of one number."""
    topics = [prefixed(prefix, topic) for topic in TOPICS]
    for number in range(checked(connection, topics, ()).topics[topics[0]].partitions):
        yield from merge(*(from_partition(connection, topic, number) for topic in topics), key=lambda said: said.time)


def from_partition(connection: Mapping[str, Any], topic: str, number: int) -> Iterator[Told]:
    reading = Reading(connection, topic, {}, None, [number])
    try:
        while not reading.is_caught_up():
            for record in reading.records(POLL_MS):
                said = {name.removeprefix("ce_"): value.decode() for name, value in record.headers.items() if name.startswith("ce_")}
                place = f"{topic}, partition {record.partition}, offset {record.offset}"
                yield told({**said, "data": read(record.value or b"{}")}, place)
    finally:
        reading.close()


def from_file(file: str) -> Iterator[Told]:
    """Lines of JSON: CloudEvents in structured mode."""
    with Path(file).open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield told(read(line), f"line {number}")


def told(event: Any, place: str) -> Told:
    """What is no event of ours says nothing; who takes it counts it as unknown."""
    try:
        return Told(event["id"], event["type"], instant(event["time"]), event["data"], place)
    except (KeyError, TypeError, ValueError):
        return Told("", "", "", {}, place)
