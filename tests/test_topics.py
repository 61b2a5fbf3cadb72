"""The topics of the contract: each is named once, every event has one to go to, and Kafka has them as advised."""

import pytest

from schemas.inbound import MODELS
from schemas.topics import INBOUND, TOPICS, topic_of


def test_every_type_of_the_contract_is_sent_to_a_topic_that_comes_in() -> None:
    assert {topic_of(type_) for type_ in MODELS} == set(INBOUND)


def test_a_topic_is_of_accounts_where_its_key_is_one() -> None:
    assert all(topic.holds_accounts == (topic.key == "account") for topic in TOPICS)
    assert len({topic.name for topic in TOPICS}) == len(TOPICS) == 10


@pytest.mark.parametrize(
    ("type_", "topic"),
    [
        ("erp.delivery.posted.v1", "erp.orders"),
        ("erp.credit_note.posted.v1", "erp.invoices"),
        ("erp.allocation.made.v1", "erp.payments"),
        ("erp.account.blocked.v1", "erp.limits"),
        ("exposure.account.taken_on.v1", "erp.customers"),
        ("erp.invoice.forgotten.v9", "erp.invoices"),
        ("erp.weather.changed.v1", None),
        ("com.invoice.posted.v1", None),
        ("invoice", None),
    ],
)
def test_what_a_type_speaks_of_says_where_it_is_sent(type_: str, topic: str | None) -> None:
    assert topic_of(type_) == topic
