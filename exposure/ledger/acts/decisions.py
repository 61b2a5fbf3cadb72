"""Decisions as recorded: each in a stream of its own, named by what it depended on, and told to who listens in the same transaction.

Law: the same question under unchanged inputs has one decision, and a request that was named has one answer, however often and whenever it comes.
The write lock is taken before anything is read.
"""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

from exposure.ledger.acts.cases import record as record_cases
from schemas.facts import OUR_SOURCE, Data, OfAccount, OrderChecked, RequestAnswered, RequestRefused
from schemas.jsontext import written_sorted
from schemas.stored import read_ours

KIND = "decision"
TOPIC = "credit.decisions"
MADE, REFUSED = "credit.decision.made.v1", "credit.decision.refused.v1"

Named = str | list[str]
"""A request's name: its own where it has one word, its source and id where it came as an event."""


def digest_of(account: str, what: Any) -> str:
    """16 bytes in hexadecimal that stand for an account and all that a decision depends on, or that names a request."""
    return blake2b(written_sorted([account, what]), digest_size=16).hexdigest()


def known(moment: Any, id_: str) -> OrderChecked | None:
    """The decision of that id, where it was recorded."""
    decision = first_of(moment, decision_stream(id_))
    assert decision is None or isinstance(decision, OrderChecked)
    return decision


def decided(moment: Any, account: str | None, known_at: int | None = None) -> Iterator[tuple[int, OrderChecked]]:
    """Every decision recorded by an instant, of one account or of all, with its recorded instant (microseconds), oldest first."""
    if account is None:
        rows = moment.events_of_kind(f"{KIND}:")
    else:
        streams = [stream for _, stream in moment.cases_of_kind(KIND, None, account, moment.position_behind(known_at))]
        rows = (row[3:6] for row in moment.events_of(streams))
    for topic, state, recorded_at in rows:
        if known_at is not None and recorded_at > known_at:
            return
        decision = read_ours(topic, state)
        assert isinstance(decision, OrderChecked)
        yield recorded_at, decision


def named(request: str, source: str | None) -> Named:
    return request if source is None else [source, request]


def answered(moment: Any, account: str, request: str, source: str | None) -> RequestAnswered | None:
    """The answer that a named request has already."""
    answer = first_of(moment, request_stream(account, named(request, source)))
    assert answer is None or isinstance(answer, RequestAnswered)
    return answer


def is_answered(moment: Any, account: str, request: str, source: str) -> bool:
    """Whether a request that came as an event was decided or refused before."""
    return moment.first_event(request_stream(account, named(request, source))) is not None


def first_of(moment: Any, stream: str) -> Any:
    first = moment.first_event(stream)
    return None if first is None else read_ours(*first)


def record(writing: Any, decision: OrderChecked, answer: RequestAnswered | None, told: Data, *, is_new: bool, reserved: Data | None = None) -> None:
    """Records a decision that is new, and that it is the answer to a request. Each request is answered to who listens, and each decision that
    nobody named a request for; ``told`` is the decision with how fresh and how whole its figures were, ``reserved`` the fact of what it holds:
    with the words of a request, that is all a store needs that lost the decision."""
    events: list[tuple[str, OfAccount]] = [(decision_stream(decision.decision_id), decision)] if is_new else []
    message_id, request, source = decision.decision_id, None, None
    if answer is not None:
        request, source = answer.request, answer.source
        message_id = message_of(answer.account, named(request, source))
        events.append((request_stream(answer.account, named(request, source)), answer))
    if events:
        record_cases(writing, events, decision.by)
        asked = {"request": request, "request_source": source, "request_words": None if answer is None else answer.asked}
        announce(writing, MADE, decision.account, message_id, {**told, **asked, "reserved": reserved})


def refuse(writing: Any, refused: RequestRefused) -> None:
    """Records that a request could not be decided, and answers so."""
    name = named(refused.request, refused.source)
    record_cases(writing, [(request_stream(refused.account, name), refused)], refused.by)
    request = {"account": refused.account, "request": refused.request, "request_source": refused.source}
    why = {"code": refused.code, "message": refused.message, "by": refused.by}
    announce(writing, REFUSED, refused.account, message_of(refused.account, name), {**request, **refused.asked, **why})


def announce(writing: Any, type_: str, account: str, message_id: str, data: Data) -> None:
    writing.announce(TOPIC, account, message_id, {"type": type_, "source": OUR_SOURCE, "data": data})


def message_of(account: str, request: Named) -> str:
    return digest_of(account, ["request", request])


def decision_stream(id_: str) -> str:
    return f"{KIND}:{id_}"


def request_stream(account: str, request: Named) -> str:
    return f"request:{digest_of(account, request)}"
