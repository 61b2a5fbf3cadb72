"""Decisions, measures and dunning notices read back from what was told of them, into a store that lacks them: with the ids they had, and recorded as
read back.

Law: what is there is left as it is, and reading back again records nothing. A decision's id is made of all that it depended on, so what says another
thing than it did is not read back. A request that was answered is not answered otherwise when it comes again. Nothing of it is told once more.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from exposure.ledger import decisions, dunning, measures
from exposure.ledger.cases import APPLIED, ISSUED, PROPOSED
from exposure.ledger.cases import record as record_cases
from exposure.ledger.dead_letters import Order
from exposure.ledger.own_facts import OwnFact, tell
from schemas.amends import DecisionReadBack
from schemas.dunning import DunningNotice, DunningNoticeCancelled, DunningNoticeIssued, OfNotice
from schemas.facts import OUR_SOURCE, Data, OfAccount, OrderChecked, RequestAnswered, RequestRefused
from schemas.measures import MeasureApproved, MeasureProposed, MeasureTakenBack, OfMeasure
from schemas.stored import read_ours
from schemas.told import naming_of

TOPICS = (decisions.TOPIC, measures.TOPIC, dunning.TOPIC)
AT_ONCE = 200
RESERVED = "CreditReserved"
OF_REQUEST = ("account", "request", "request_source", "code", "message", "by")


class Told(NamedTuple):
    """A message of one of these topics; ``time`` is when what it tells was recorded, as facts have instants."""

    id: str
    type: str
    time: str
    data: Data


@dataclass(slots=True)
class ReadBack:
    """``measures`` and ``notices`` are what was said of such ones. ``unknown`` are messages that tell nothing of ours, say another thing than their
    id was made of, or go on with something that is neither here nor told before."""

    read: int = 0
    decisions: int = 0
    answers: int = 0
    reservations: int = 0
    measures: int = 0
    notices: int = 0
    unknown: int = 0


class Lacking(NamedTuple):
    """What a message says that the store lacks: events, each with its stream, and facts of the account. ``id`` is that of the decision, measure or
    notice."""

    account: str
    id: str
    events: list[tuple[str, OfAccount]]
    facts: list[OwnFact]


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
        lacking = READ[told.type](writing, told)
    except (KeyError, TypeError, ValueError):
        counts.unknown += 1
        return
    if lacking.events:
        read_back = DecisionReadBack(lacking.account, told.id, told.time, *order)
        record_cases(writing, [*lacking.events, (stream_of(lacking.id), read_back)], order.by)
    if lacking.facts:
        tell(writing, lacking.facts, order.by, time=told.time)
    said = [event for _, event in lacking.events]
    counts.decisions += sum(isinstance(event, OrderChecked) for event in said)
    counts.answers += sum(isinstance(event, RequestAnswered | RequestRefused) for event in said)
    counts.measures += sum(isinstance(event, OfMeasure) for event in said)
    counts.notices += sum(isinstance(event, OfNotice) for event in said)
    counts.reservations += sum(name == RESERVED for _, name, _, _ in lacking.facts)


def made(moment: Any, told: Told) -> Lacking:
    """Of a decision. Raises ``ValueError`` where it says another thing than its id was made of."""
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
    reserved, id_ = data.get("reserved"), decision.decision_id
    if not reserved or moment.known_names([naming_of(OUR_SOURCE, id_)]):
        return Lacking(decision.account, id_, events, [])
    return Lacking(decision.account, id_, events, [(decision.account, RESERVED, id_, reserved)])


def refused(moment: Any, told: Told) -> Lacking:
    """Of a request that could not be decided."""
    account, request, source, code, message, by = (told.data[name] for name in OF_REQUEST)
    stream = decisions.request_stream(account, decisions.named(request, source))
    asked = {name: value for name, value in told.data.items() if name not in OF_REQUEST}
    is_new = moment.first_event(stream) is None
    return Lacking(account, told.id, [(stream, RequestRefused(account, request, source, asked, code, message, by))] if is_new else [], [])


def measured(moment: Any, told: Told) -> Lacking:
    """Of a measure: that it was proposed, or what became of it, with what was told of the account then. Raises ``ValueError`` where nobody proposed
    it."""
    kind = OF_MEASURES[told.type]
    event: Any = kind(**{name: told.data[name] for name in kind._fields})
    known, stream, facts = measures.trail(moment, event.measure), measures.stream_of(event.measure), list[OwnFact]()
    if known is None:
        if not isinstance(event, MeasureProposed) or not is_of_its_alert(event):
            raise ValueError(event.measure)
        return Lacking(event.account, event.measure, [(stream, event)], [])
    if isinstance(event, MeasureProposed) or known.state != (APPLIED if isinstance(event, MeasureTakenBack) else PROPOSED):
        return Lacking(event.account, event.measure, [], [])
    if isinstance(event, MeasureApproved):
        facts.append(measures.fact_applied(known.proposed, event))
    elif isinstance(event, MeasureTakenBack):
        assert known.applied is not None
        facts.append(measures.fact_lifted(known.proposed, known.applied, event))
    return Lacking(event.account, event.measure, [(stream, event)], facts)


def is_of_its_alert(proposed: MeasureProposed) -> bool:
    """What a person proposes has an id of words that are not all told."""
    return proposed.alert is None or proposed.measure == measures.id_of(proposed.account, proposed.alert, proposed.take)


def noticed(moment: Any, told: Told) -> Lacking:
    """Of a notice that went out, proposed here before or not. Raises ``ValueError`` where its id is of another number."""
    notice = DunningNotice(**{name: told.data[name] for name in DunningNotice._fields})
    if notice.notice != dunning.notice_id(notice.account, notice.number):
        raise ValueError(notice.notice)
    known = dunning.trail(moment, notice.notice)
    issued = DunningNoticeIssued(notice.notice, notice.account, notice._asdict(), told.data["by"], told.data["reason"])
    is_new = known is None or known.state == PROPOSED
    return Lacking(notice.account, notice.notice, [(dunning.stream_of(notice.notice), issued)] if is_new else [], [])


def taken_back(moment: Any, told: Told) -> Lacking:
    """Of a notice that was cancelled after it went out. Raises ``ValueError`` where it did not go out."""
    event = DunningNoticeCancelled(**{name: told.data[name] for name in DunningNoticeCancelled._fields})
    known = dunning.trail(moment, event.notice)
    if known is None or not known.is_told:
        raise ValueError(event.notice)
    return Lacking(event.account, event.notice, [(dunning.stream_of(event.notice), event)] if known.state == ISSUED else [], [])


OF_MEASURES = {type_: kind for kind, type_ in measures.TYPES.items()}
READ: dict[str, Callable[[Any, Told], Lacking]] = {
    decisions.MADE: made,
    decisions.REFUSED: refused,
    **dict.fromkeys(OF_MEASURES, measured),
    dunning.NOTICED: noticed,
    dunning.TAKEN_BACK: taken_back,
}
"""By the type of the message."""


def of(moment: Any, id_: str) -> tuple[int, DecisionReadBack] | None:
    """When (microseconds) and by whom a decision or a notice was read back first; ``None`` where it was made here."""
    for _, _, topic, state, recorded_at, _ in moment.events(stream_of(id_)):
        event = read_ours(topic, state)
        assert isinstance(event, DecisionReadBack)
        return recorded_at, event
    return None
