"""Decisions read back from what was told of them, into a store that lacks them: with the ids they had, and recorded as read back.

Law: what is there is left as it is, and reading back again records nothing. A decision's id is made of all that it depended on, so what says another
thing than it did is not read back. A request that was answered is not answered otherwise when it comes again.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from exposure.ledger import decisions
from exposure.ledger.cases import record as record_cases
from exposure.ledger.dead_letters import Order
from exposure.ledger.own_facts import tell
from schemas.amends import DecisionReadBack
from schemas.facts import OUR_SOURCE, Data, OfAccount, OrderChecked, RequestAnswered, RequestRefused
from schemas.stored import read_ours
from schemas.told import naming_of

AT_ONCE = 200
RESERVED = "CreditReserved"
OF_REQUEST = ("account", "request", "request_source", "code", "message", "by")


class Told(NamedTuple):
    """A message of ``credit.decisions``; ``time`` is when it was recorded, as facts have instants."""

    id: str
    type: str
    time: str
    data: Data


@dataclass(slots=True)
class ReadBack:
    """``unknown`` are messages that are no decision of ours, or say another thing than their id was made of."""

    read: int = 0
    decisions: int = 0
    answers: int = 0
    reservations: int = 0
    unknown: int = 0


def stream_of(id_: str) -> str:
    return f"read_back:{id_}"


def read_back(store: Any, now: Callable[[], int], messages: Iterable[Told], order: Order) -> ReadBack:
    """Records what the store lacks, some hundred messages in a transaction."""
    counts, coming = ReadBack(), iter(messages)
    while part := list(islice(coming, AT_ONCE)):
        with store.writing(now()) as writing:
            for told in part:
                counts.read += 1
                take(writing, told, order, counts)
    return counts


def take(writing: Any, told: Told, order: Order, counts: ReadBack) -> None:
    try:
        account, id_, events = made(writing, told) if told.type == decisions.MADE else refused(writing, told)
    except (KeyError, TypeError, ValueError):
        counts.unknown += 1
        return
    if events:
        record_cases(writing, [*events, (stream_of(id_), DecisionReadBack(account, told.id, told.time, *order))], order.by)
    counts.decisions += sum(isinstance(event, OrderChecked) for _, event in events)
    counts.answers += sum(not isinstance(event, OrderChecked) for _, event in events)
    reserved = told.data.get("reserved")
    if reserved and not writing.known_names([naming_of(OUR_SOURCE, id_)]):
        tell(writing, [(account, RESERVED, id_, reserved)], order.by, time=told.time)
        counts.reservations += 1


def made(moment: Any, told: Told) -> tuple[str, str, list[tuple[str, OfAccount]]]:
    """What a message of a decision says that the store lacks. Raises ``ValueError`` where it says another thing than its id was made of."""
    data = told.data
    decision = OrderChecked(**{name: data[name] for name in OrderChecked._fields if name in data})
    if decision.decision_id != decisions.digest_of(decision.account, decision.inputs):
        raise ValueError(decision.decision_id)
    events: list[tuple[str, OfAccount]] = []
    if decisions.known(moment, decision.decision_id) is None:
        events.append((decisions.decision_stream(decision.decision_id), decision))
    request, source, words = data.get("request"), data.get("request_source"), data.get("request_words")
    if request and words:
        stream = decisions.request_stream(decision.account, decisions.named(request, source))
        if moment.first_event(stream) is None:
            events.append((stream, RequestAnswered(decision.account, request, words, decision.decision_id, source)))
    return decision.account, decision.decision_id, events


def refused(moment: Any, told: Told) -> tuple[str, str, list[tuple[str, OfAccount]]]:
    """What a message says of a request that could not be decided."""
    if told.type != decisions.REFUSED:
        raise ValueError(told.type)
    account, request, source, code, message, by = (told.data[name] for name in OF_REQUEST)
    stream = decisions.request_stream(account, decisions.named(request, source))
    asked = {name: value for name, value in told.data.items() if name not in OF_REQUEST}
    is_new = moment.first_event(stream) is None
    return account, told.id, [(stream, RequestRefused(account, request, source, asked, code, message, by))] if is_new else []


def of(moment: Any, id_: str) -> tuple[int, DecisionReadBack] | None:
    """When (microseconds) and by whom a decision was read back; ``None`` where it was made here."""
    for _, _, topic, state, recorded_at, _ in moment.events(stream_of(id_)):
        event = read_ours(topic, state)
        assert isinstance(event, DecisionReadBack)
        return recorded_at, event
    return None
