"""What went out that a restored store may lack: every message its topics still have, or that somebody wrote into a file, one a line."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from consumers.broker.subscribe import Reading
from exposure.ledger.read_back import TOPICS, Told
from schemas.instants import instant
from schemas.jsontext import read
from schemas.topics import prefixed

POLL_MS = 500


def from_topics(connection: Mapping[str, Any], prefix: str) -> Iterator[Told]:
    """All that is there now, topic by topic, each account's in the order it was told in."""
    for topic in TOPICS:
        yield from from_topic(connection, prefixed(prefix, topic))


def from_topic(connection: Mapping[str, Any], topic: str) -> Iterator[Told]:
    reading = Reading(connection, topic, {}, None)
    try:
        while not reading.is_caught_up():
            for record in reading.records(POLL_MS):
                said = {name.removeprefix("ce_"): value.decode() for name, value in record.headers.items() if name.startswith("ce_")}
                yield told({**said, "data": read(record.value or b"{}")})
    finally:
        reading.close()


def from_file(file: str) -> Iterator[Told]:
    """Lines of JSON: CloudEvents in structured mode."""
    with Path(file).open("rb") as lines:
        for line in lines:
            if line.strip():
                yield told(read(line))


def told(event: Any) -> Told:
    """What is no event of ours says nothing; who takes it counts it as unknown."""
    try:
        return Told(event["id"], event["type"], instant(event["time"]), event["data"])
    except (KeyError, TypeError, ValueError):
        return Told("", "", "", {})
