"""Decisions as recorded: each in a stream of its own, named by what it depended on, and told to who listens in the same transaction.

Law: the same question under unchanged inputs has one decision, and a request that was named has one answer, however often and whenever it comes.
The write lock is taken before anything is read.
"""

from hashlib import blake2b
from typing import Any

from exposure.ledger.cases import record as record_cases
from schemas.facts import OUR_SOURCE, OfAccount, OrderChecked, RequestAnswered
from schemas.jsontext import written_sorted
from schemas.stored import read_ours

TOPIC, TYPE = "credit.decisions", "credit.decision.made.v1"


def digest_of(account: str, what: Any) -> str:
    """16 bytes in hexadecimal that stand for an account and all that a decision depends on, or that names a request."""
    return blake2b(written_sorted([account, what]), digest_size=16).hexdigest()


def known(moment: Any, id_: str) -> OrderChecked | None:
    """The decision of that id, where it was recorded."""
    decision = first_of(moment, decision_stream(id_))
    assert decision is None or isinstance(decision, OrderChecked)
    return decision


def answered(moment: Any, account: str, request: str) -> RequestAnswered | None:
    """The answer that a named request has already."""
    answer = first_of(moment, request_stream(account, request))
    assert answer is None or isinstance(answer, RequestAnswered)
    return answer


def first_of(moment: Any, stream: str) -> Any:
    for _, _, topic, state, *_ in moment.events(stream):
        return read_ours(topic, state)
    return None


def record(writing: Any, decision: OrderChecked, answer: RequestAnswered | None, *, is_new: bool) -> None:
    """Records a decision that is new, and that it is the answer to a request. Each request is answered to who listens, and each decision that
    nobody named a request for."""
    events: list[tuple[str, OfAccount]] = [(decision_stream(decision.decision_id), decision)] if is_new else []
    message_id = decision.decision_id
    if answer is not None:
        message_id = digest_of(answer.account, ["request", answer.request])
        events.append((request_stream(answer.account, answer.request), answer))
    if events:
        record_cases(writing, events, decision.by)
        told = {**decision._asdict(), "request": answer.request if answer else None}
        writing.announce(TOPIC, decision.account, message_id, {"type": TYPE, "source": OUR_SOURCE, "data": told})


def decision_stream(id_: str) -> str:
    return f"decision:{id_}"


def request_stream(account: str, request: str) -> str:
    return f"request:{digest_of(account, request)}"
