"""Requests over Kafka: whoever dies when, each has exactly one answer on ``credit.decisions``, and it is the one that the store has."""

from pathlib import Path
from random import Random
from typing import Any

import pytest

from consumers.broker.stream import REQUESTS_AT_ONCE
from exposure.ledger.rebuild import rebuild
from schemas.jsontext import read, written
from service.sample import sample
from tests import stores
from tests.asking import TYPE, Json, asked, has_one_answer_each
from tests.broker import Sent, Topics, fresh, shuffled, structured
from tests.outgoing import arrived, letters
from tests.patience import until
from tests.stores import fed, figures, opened
from tests.test_consume_crash import Pair

ACCOUNTS, KILLS = 20, 3
EVENTS = list(sample(1_000, seed=41, accounts=ACCOUNTS))
DAYS = ["2023-06-30", "2024-12-31"]


@pytest.fixture
def topics(kafka: str) -> Topics:
    return fresh(kafka).make()


def requests(many: int, seed: int) -> list[bytes]:
    """Of accounts that are there and some that are not, for orders that pass, that are held, and whose amount is none."""
    random = Random(seed)
    accounts, amounts = [f"C-{number}" for number in range(999, 1002 + ACCOUNTS)], ["1.00", "9999999.00", "0.125"]
    return [asked(f"r-{number}", random.choice(accounts), f"X-{number % 50}", random.choice(amounts)) for number in range(many)]


def ids(lines: list[bytes]) -> list[str]:
    return [read(line)["id"] for line in lines]


def binary(line: bytes) -> Sent:
    """The same request with its attributes in the headers."""
    event = read(line)
    headers = [(f"ce_{name}", str(value).encode()) for name, value in event.items() if name != "data"]
    return "credit.requests", event["subject"].encode(), written(event["data"]), headers


def answers(topics: Topics) -> list[Json]:
    """All that arrived on the topic, as one sees it who drops repeats by their id."""
    records = [record for partition in arrived(topics, "credit.decisions").values() for record in partition]
    once = {dict(record.headers)["ce_id"]: record for record in records}
    assert all(record.key.decode() == read(record.value)["account"] for record in once.values())
    return [read(record.value) for record in once.values()]


def test_where_nobody_made_the_topic_of_requests_events_are_taken_all_the_same(kafka: str, tmp_path: Path) -> None:
    topics = fresh(kafka).make(credit_requests=0)
    topics.send(map(structured, EVENTS[:100]))
    assert topics.consume(tmp_path / "exposure.db").json["recorded"] == 100


def test_requests_with_repeats_in_both_modes_are_answered_once_each(topics: Topics, tmp_path: Path) -> None:
    """Every answer there is, and beside them events that were told before and bytes that nobody can read."""
    store, lines = opened(tmp_path / "exposure.db"), requests(2 * REQUESTS_AT_ONCE, seed=42)
    fed(store, EVENTS)
    topics.send([*map(structured, shuffled([*EVENTS[:200], *lines], seed=42, repeats=0.3)), *map(binary, lines[::10])])
    topics.send([("credit.requests", b"C-1001", b"?", [])])
    said = topics.consume(tmp_path / "exposure.db")
    assert [said.json[name] for name in ("recorded", "dead_letters")] == [len(lines), 1], said.err
    told = answers(topics)
    has_one_answer_each(store, ids(lines), told)
    assert {answer.get("decision", answer.get("code")) for answer in told} == {"approved", "held", "unknown_account", "invalid"}
    assert [letter.value for letter in letters(topics).values()] == [b"?"]


def answered(store: Any) -> int:
    with store.reading() as moment:
        return int(moment.rows("SELECT count(*) FROM cases WHERE stream LIKE ?", "request:%")[0][0])


def until_answered(store: Any, many: int) -> None:
    until(lambda: answered(store) >= many)


@pytest.mark.parametrize("server", [pytest.param("sqlite", marks=pytest.mark.long), "postgresql"])
def test_two_consumers_that_are_killed_at_any_moment_answer_each_request_once(
    server: str, topics: Topics, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    with stores.using(request.getfixturevalue("postgresql_server") if server == "postgresql" else None):
        lines, pair = requests(300, seed=43), Pair(topics, tmp_path / "exposure.db", tmp_path)
        with pair:
            left = killed_at_work(pair, lines, Random(43))
            until_answered(pair.seen, len(lines))
            assert pair.stop() == [0, 0], pair.said[-3000:]
        assert any(left), "somebody died before all were answered"
        again = topics.consume(pair.store)
        assert again.exit_code == 0, again.err
        has_one_answer_each(pair.seen, ids(lines), answers(topics))
        assert rebuild(pair.seen).equal
        clean = opened(tmp_path / "clean.db")
        fed(clean, EVENTS)
        assert figures(pair.seen, DAYS) == figures(clean, DAYS), "what is asked changes no figure"


def killed_at_work(pair: Pair, lines: list[bytes], random: Random) -> list[int]:
    """Events and requests come in portions, some of them twice, and in the middle of each one or the other consumer is killed; returns how many
    requests were not answered yet at each kill."""
    left = []
    pair.start("one")
    pair.start("two")
    told = shuffled([*EVENTS, *lines], seed=43)
    for kill in range(KILLS):
        until(pair.are_at_work)
        before, sent = answered(pair.seen), told[kill::KILLS]
        asks = sum(TYPE.encode() in line for line in sent)
        pair.topics.send(map(structured, sent))
        until_answered(pair.seen, before + random.randrange(asks // 2))
        name = random.choice(("one", "two"))
        pair.kill(name)
        left.append(before + asks - answered(pair.seen))
        pair.start(name)
    return left
