"""Requests in the hands of a test: as a shop's system would send them, and what it is answered."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from schemas.facts import OrderChecked, RequestAnswered, RequestRefused
from schemas.jsontext import read, written
from schemas.stored import OURS, read_ours

SHOP = "/shop"
TYPE, RESERVING = "credit.check.requested.v1", "credit.reservation.requested.v1"
Json = dict[str, Any]


def asked(id_: str, account: str, order: str, amount: str, type_: str = TYPE, **more: Any) -> bytes:
    """Would this order pass?"""
    data = {"order": order, "amount": amount, **more}
    envelope = {"specversion": "1.0", "id": id_, "source": SHOP, "type": type_, "subject": account, "time": "2026-02-20T11:00:00Z"}
    return written({**envelope, "data": data})


def waiting(store: Any) -> list[Json]:
    """The answers that wait to be sent: each with its id and its type."""
    with store.reading() as moment:
        rows = moment.rows("SELECT message_id, payload FROM outbox WHERE topic = 'credit.decisions' ORDER BY id")
    return [{"id": id_, "type": (event := read(payload))["type"], **event["data"]} for id_, payload in rows]


def recorded(store: Any) -> list[OrderChecked | RequestAnswered | RequestRefused]:
    """All that the log says of decisions and of requests."""
    with store.reading() as moment:
        ours = [read_ours(topic, state) for _, _, topic, state in moment.all_events() if topic in OURS]
    return [one for one in ours if isinstance(one, OrderChecked | RequestAnswered | RequestRefused)]


def has_one_answer_each(store: Any, ids: Iterable[str], answers: list[Json]) -> None:
    """Asserts that every request, and nothing else, was told one answer, and that it is the one the log has."""
    log = recorded(store)
    decisions = {one.decision_id: one for one in log if isinstance(one, OrderChecked)}
    answered = {one.request: one for one in log if isinstance(one, RequestAnswered)}
    refused = {one.request: one for one in log if isinstance(one, RequestRefused)}
    assert len(answered) + len(refused) == sum(not isinstance(one, OrderChecked) for one in log), "the log has one answer of each"
    assert Counter(answer["request"] for answer in answers) == Counter(set(ids)) == Counter([*answered, *refused])
    for answer in answers:
        if answer["request"] in refused:
            assert answer["code"] == refused[answer["request"]].code
            continue
        decision = decisions[answered[answer["request"]].decision_id]
        told = decision._asdict()
        assert {name: answer[name] for name in told} == told
