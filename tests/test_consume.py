"""Kafka behaves like files: whatever the partitions, the order and the repeats, the figures are the same; and no position is guessed."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from kafka import KafkaProducer, TopicPartition

from consumers.feed import feed
from exposure.ledger.ledger import Ledger
from service.bringing_in.importing import Import, write_import
from service.sample import sample
from tests.bad_records import KINDS
from tests.broker import Topics, fresh, shuffled, structured
from tests.patience import until
from tests.stores import NOW, fed, figures, opened, taken

pytestmark = pytest.mark.usefixtures("each_store")

RECEIVABLES = Path(__file__).parents[2] / "shared" / "data" / "ibm-accounts-receivable.csv"
LINES = list(sample(4_000, seed=21, accounts=60))
DAYS = ["2023-06-30", "2024-02-29", "2024-12-31"]
INVOICE = (
    b'{"specversion":"1.0","id":"%s","source":"/erp","type":"erp.invoice.posted.v1","subject":"C-1","time":"2026-01-12T09:30:00Z",'
    b'"data":{"invoice":"%s","date":"2026-01-12","currency":"EUR","amount":"%s","due":"2026-02-11"}}'
)


@pytest.fixture
def topics(kafka: str) -> Topics:
    return fresh(kafka).make()


def invoice(number: int, amount: str = "10.00") -> bytes:
    return INVOICE % (b"e%d" % number, b"I-%d" % number, amount.encode())


def taken_from(store: Path) -> int:
    """How many events a store holds while others write."""
    return taken(opened(store))


def told(said: Any) -> tuple[int, int, int, int]:
    assert said.exit_code == 0, said.err
    return tuple(said.json[name] for name in ("read", "recorded", "duplicates", "dead_letters"))


def test_the_sample_in_any_order_with_repeats_gives_the_figures_of_the_file(topics: Topics, tmp_path: Path) -> None:
    unreadable = [line.replace(b'"data":', b'"dote":') for line in LINES[::400]]
    lines = shuffled([*LINES, *unreadable], seed=3)
    topics.send(map(structured, lines))
    assert told(topics.consume(tmp_path / "kafka.db")) == (len(lines), 4_000, len(lines) - 4_010, 10)
    file = opened(tmp_path / "file.db")
    fed(file, [*LINES, *unreadable])
    kafka = opened(tmp_path / "kafka.db")
    assert figures(kafka, DAYS) == figures(file, DAYS)
    assert told(topics.consume(tmp_path / "kafka.db")) == (0, 0, 0, 0)


@pytest.mark.skipif(not RECEIVABLES.exists(), reason=f"the public receivables file is not at {RECEIVABLES}")
def test_real_receivables_in_any_order_with_repeats_give_the_figures_of_the_file(topics: Topics, tmp_path: Path) -> None:
    write_import(Import(str(RECEIVABLES), "ibm-receivables"), tmp_path / "told.jsonl")
    lines = shuffled((tmp_path / "told.jsonl").read_bytes().splitlines(), seed=4)
    topics.send(map(structured, lines))
    assert told(topics.consume(tmp_path / "kafka.db"))[:2] == (len(lines), 6_154)
    file = opened(tmp_path / "file.db")
    feed(Ledger(file, lambda: NOW), str(tmp_path / "told.jsonl"))
    days = ["2012-06-30", "2013-03-31", "2013-12-31"]
    assert figures(opened(tmp_path / "kafka.db"), days) == figures(file, days)


def test_what_is_sent_while_nobody_listens_is_taken_next_time(topics: Topics, tmp_path: Path) -> None:
    topics.send(map(structured, LINES[:100]))
    assert told(topics.consume(tmp_path / "exposure.db")) == (100, 100, 0, 0)
    topics.send(map(structured, LINES[100:150]))
    assert told(topics.consume(tmp_path / "exposure.db")) == (50, 50, 0, 0)


def test_bad_records_become_dead_letters_and_stop_nothing(topics: Topics, tmp_path: Path) -> None:
    bad = list({kind.recipe(Random(name)) for name, kind in KINDS.items() if kind.code != "too_large"})
    topics.send([("erp.orders", b"C-1", raw, []) for raw in bad] + [structured(invoice(1))])
    assert told(topics.consume(tmp_path / "exposure.db")) == (len(bad) + 1, 1, 0, len(bad))


def test_a_record_that_names_no_account_is_a_dead_letter_of_its_keys_account(topics: Topics, tmp_path: Path) -> None:
    topics.send([("erp.orders", b"C-1", b"not json", []), structured(invoice(1)), ("erp.orders", b"C-1", None, []), ("erp.orders", b"C-2", None, [])])
    assert told(topics.consume(tmp_path / "exposure.db")) == (4, 1, 0, 3)
    with opened(tmp_path / "exposure.db").reading() as moment:
        assert moment.dead_letter_counts(1 << 62) == {"C-1": 2, "C-2": 1}


def test_topics_that_are_not_there_are_named(kafka: str, tmp_path: Path) -> None:
    said = fresh(kafka).make(erp_limits=0).consume(tmp_path / "exposure.db")
    assert said.exit_code == 1
    assert "erp.limits" in said.json["error"]["message"]
    assert "exposure topics create" in said.json["error"]["message"]


def test_topics_of_accounts_with_different_numbers_of_partitions_are_refused(kafka: str, tmp_path: Path) -> None:
    said = fresh(kafka).make(erp_payments=4).consume(tmp_path / "exposure.db")
    assert said.exit_code == 1
    assert "one number of partitions" in said.json["error"]["message"]


def test_rates_may_have_another_number_of_partitions(kafka: str, tmp_path: Path) -> None:
    topics = fresh(kafka).make(erp_fx=1)
    topics.send(map(structured, LINES[:200]))
    assert told(topics.consume(tmp_path / "exposure.db"))[1] == 200


def made_again(topics: Topics) -> None:
    topics.make_anew("erp.invoices")


def records_deleted(topics: Topics) -> None:
    with topics.admin() as admin:
        admin.delete_records({TopicPartition(f"{topics.prefix}erp.invoices", number): -1 for number in range(6)})


@pytest.mark.parametrize(("loses", "why"), [(made_again, "of another topic now"), (records_deleted, "deleted before they were taken")])
def test_a_lost_position_is_never_guessed_and_is_begun_again_when_asked(
    loses: Callable[[Topics], None], why: str, topics: Topics, tmp_path: Path
) -> None:
    topics.send([structured(invoice(1))])
    assert told(topics.consume(tmp_path / "exposure.db")) == (1, 1, 0, 0)
    topics.send([structured(invoice(2)), structured(invoice(3))])
    loses(topics)
    refused = topics.consume(tmp_path / "exposure.db")
    assert refused.exit_code == 1
    assert why in refused.json["error"]["message"]
    topics.send([structured(invoice(number)) for number in (1, 2, 4)])
    begun = topics.consume(tmp_path / "exposure.db", "--begin-again", f"{topics.prefix}erp.invoices")
    assert told(begun) == (3, 2, 1, 0), "what is there is taken, and what was told before is known by its name"


def test_a_topic_that_is_not_read_can_not_be_begun_again(topics: Topics, tmp_path: Path) -> None:
    said = topics.consume(tmp_path / "exposure.db", "--begin-again", "erp.invoice")
    assert (said.exit_code, said.json["error"]["code"]) == (1, "topics")


def test_ends_of_transactions_that_are_deleted_are_no_lost_records(topics: Topics, tmp_path: Path) -> None:
    """They have offsets and are no records: the store passes over them, so nothing seems to be missing when they are gone."""
    producer = KafkaProducer(bootstrap_servers=topics.bootstrap, transactional_id=topics.prefix)
    producer.init_transactions()
    for number in (1, 2):
        producer.begin_transaction()
        producer.send(f"{topics.prefix}erp.invoices", key=b"C-1", value=invoice(number))
        producer.commit_transaction()
    producer.close()
    assert told(topics.consume(tmp_path / "exposure.db")) == (2, 2, 0, 0)
    records_deleted(topics)
    assert told(topics.consume(tmp_path / "exposure.db")) == (0, 0, 0, 0)


def test_two_consumers_share_the_partitions_and_an_account_has_one(topics: Topics, tmp_path: Path) -> None:
    store = tmp_path / "exposure.db"
    opened(store).datastore.close()
    with topics.consumer(store, "--member", "one") as one, topics.consumer(store, "--member", "two") as other:
        until(lambda: topics.members() == 2)
        topics.send(map(structured, LINES))
        until(lambda: taken_from(store) == len(LINES))
        for consumer in (one, other):
            consumer.send_signal(signal.SIGTERM)
        counts = [json.loads(consumer.communicate()[0]) for consumer in (one, other)]
    assert one.returncode == other.returncode == 0
    assert sum(count["recorded"] for count in counts) == len(LINES)
    assert all(count["recorded"] for count in counts), "each had its part"
