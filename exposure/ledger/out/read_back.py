"""Decisions, measures, dunning notices and what people said, read back from what was told of them into a store that lacks it: with the ids they had,
and recorded as read back.

Law: what is there is left as it is, and reading back again records nothing. A decision's id is made of all that it depended on, and what it says is
made again of that: what says another thing is not read back. A request that was answered is not answered otherwise when it comes again. Nothing of it
is told once more.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from exposure.ledger.acts import decisions, dunning, measures
from exposure.ledger.acts.cases import APPLIED, ISSUED, PROPOSED
from exposure.ledger.acts.cases import record as record_cases
from exposure.ledger.acts.dead_letters import Order
from exposure.ledger.out.lacking import Lacking, Told, Unknown
from exposure.ledger.out.read_back_people import SAID
from exposure.ledger.own_facts import OwnFact, is_told, tell
from exposure.retold import disagreements
from schemas.amends import DecisionReadBack
from schemas.amounts import minor
from schemas.dunning import DunningNotice, DunningNoticeCancelled, DunningNoticeIssued, OfNotice
from schemas.facts import (
    LAST_DAY,
    PROMISES,
    RESERVING,
    Data,
    OfAccount,
    OfLimit,
    OfRelease,
    OrderChecked,
    RequestAnswered,
    RequestRefused,
)
from schemas.measures import MeasureApproved, MeasureProposed, MeasureTakenBack, OfMeasure
from schemas.stored import read_ours

TOPICS = (decisions.TOPIC, measures.TOPIC, dunning.TOPIC)
AT_ONCE = 200
RESERVED = "CreditReserved"
OF_REQUEST = ("account", "request", "request_source", "code", "message", "by")


@dataclass(slots=True)
class ReadBack:
    """``measures``, ``notices``, ``releases`` of held orders and ``limits`` by request are what was said of such ones, ``reservations`` and
    ``promises`` what was told of them. ``unknown`` are messages that tell nothing of ours, say another thing than their id was made of or than
    follows from it, or go on with something that is neither here nor told before."""

    read: int = 0
    decisions: int = 0
    answers: int = 0
    reservations: int = 0
    measures: int = 0
    notices: int = 0
    releases: int = 0
    limits: int = 0
    promises: int = 0
    unknown: int = 0


def stream_of(id_: str) -> str:
    return f"read_back:{id_}"


Unread = Callable[[Told, str], None]
"""Is told each message that is not read back, and why."""


def nobody(told: Told, why: str) -> None:
    pass


def read_back(store: Any, now: Callable[[], int], messages: Iterable[Told], order: Order, unread: Unread = nobody) -> ReadBack:
    """Records what the store lacks, some hundred messages in a transaction."""
    counts, coming = ReadBack(), iter(messages)
    while part := list(islice(coming, AT_ONCE)):
        with store.writing(now()) as writing:
            for told in part:
                counts.read += 1
                try:
                    take(writing, told, order, counts)
                except Unknown as error:
                    counts.unknown += 1
                    unread(told, str(error))
    return counts


def take(writing: Any, told: Told, order: Order, counts: ReadBack) -> None:
    """Raises ``Unknown``."""
    if told.type not in READ:
        raise Unknown(f"it is of type {told.type!r}, which is none that is read back" if told.type else "it is no event with id, type, time and data")
    try:
        lacking = READ[told.type](writing, told)
    except Unknown:
        raise
    except KeyError as error:
        raise Unknown(f"it lacks {error}") from error
    except (AttributeError, TypeError, ValueError) as error:
        raise Unknown(f"what it says can not be read: {error}") from error
    if lacking.events or lacking.facts:
        read_back = DecisionReadBack(lacking.account, told.id, told.time, *order)
        record_cases(writing, [*lacking.events, (stream_of(lacking.id), read_back)], order.by)
    if lacking.facts:
        tell(writing, lacking.facts, order.by, time=told.time)
    count(counts, lacking)


def count(counts: ReadBack, lacking: Lacking) -> None:
    said, told = [event for _, event in lacking.events], [name for _, name, _, _ in lacking.facts]
    counts.decisions += sum(isinstance(event, OrderChecked) for event in said)
    counts.answers += sum(isinstance(event, RequestAnswered | RequestRefused) for event in said)
    counts.measures += sum(isinstance(event, OfMeasure) for event in said)
    counts.notices += sum(isinstance(event, OfNotice) for event in said)
    counts.releases += sum(isinstance(event, OfRelease) for event in said)
    counts.limits += sum(isinstance(event, OfLimit) for event in said)
    counts.reservations += sum(name in RESERVING for name in told)
    counts.promises += sum(name in PROMISES for name in told)


def made(moment: Any, told: Told) -> Lacking:
    """Of a decision. Raises ``Unknown`` where it says another thing than its id was made of, or than follows from that."""
    data = told.data
    decision = OrderChecked(**{name: data[name] for name in OrderChecked._fields if name in data})
    check_made(told, decision)
    events: list[tuple[str, OfAccount]] = []
    if decisions.known(moment, decision.decision_id) is None:
        events.append((decisions.decision_stream(decision.decision_id), decision))
    request, source, words = data.get("request"), data.get("request_source"), data.get("request_words")
    if request and words:
        stream = decisions.request_stream(decision.account, decisions.named(request, source))
        if moment.first_event(stream) is None:
            events.append((stream, RequestAnswered(decision.account, request, words, decision.decision_id, source)))
    reserved, id_ = data.get("reserved"), decision.decision_id
    if not reserved or is_told(moment, id_):
        return Lacking(decision.account, id_, events, [])
    return Lacking(decision.account, id_, events, [(decision.account, RESERVED, id_, reserved)])


def check_made(told: Told, decision: OrderChecked) -> None:
    """All that a message of a decision says has to follow from its inputs, as far as these tell it, and its ids from what they are ids of."""
    data, request = told.data, told.data.get("request")
    if decision.decision_id != decisions.digest_of(decision.account, decision.inputs):
        raise Unknown(f"decision {decision.decision_id} was not made of these inputs: its id is another one")
    for one in disagreements(decision):
        raise Unknown(f"{one['field']}: it says {one['recorded']!r}, and by its inputs it is {one['again']!r}")
    check_id(told, decision.account, decision.decision_id if request is None else None)
    if request is not None and not is_asked_so(data["request_words"], decision):
        raise Unknown(f"request_words: {data['request_words']!r} ask for something else than was decided")
    if (reserved := data.get("reserved")) is not None and not is_held_so(reserved, decision):
        raise Unknown(f"reserved: {reserved!r} is not what the decision holds")


def check_id(told: Told, account: str, own: str | None = None) -> None:
    """The id of a message is that of its decision, or made of the request it answers."""
    told.has_id(own or decisions.message_of(account, decisions.named(told.data["request"], told.data.get("request_source"))))


def is_asked_so(words: Any, decision: OrderChecked) -> bool:
    order, amount, currency, *more = words
    asked = order, minor(amount, decision.currency), currency or decision.currency, more[:1] == ["reserve"]
    return asked == (decision.order, minor(decision.amount, decision.currency), decision.currency, "holds" in decision.inputs)


def is_held_so(reserved: Data, decision: OrderChecked) -> bool:
    """``order_version`` is the last one of the order that was known: nothing else tells it."""
    until = decision.inputs.get("holds")
    held = {
        "order": decision.order, "date": decision.as_of, "currency": decision.currency, "amount": decision.amount,
        "decision": decision.decision_id, "reservation": decision.reservation, **({} if until == LAST_DAY else {"until": until}),
    }  # fmt: skip
    version = reserved.get("order_version", 0)
    return decision.reservation is not None and isinstance(version, int) and {**reserved, "order_version": 0} == {**held, "order_version": 0}


def refused(moment: Any, told: Told) -> Lacking:
    """Of a request that could not be decided. Raises ``Unknown`` where the id is another one's."""
    check_id(told, told.data["account"])
    account, request, source, code, message, by = (told.data[name] for name in OF_REQUEST)
    stream = decisions.request_stream(account, decisions.named(request, source))
    asked = {name: value for name, value in told.data.items() if name not in OF_REQUEST}
    is_new = moment.first_event(stream) is None
    return Lacking(account, told.id, [(stream, RequestRefused(account, request, source, asked, code, message, by))] if is_new else [], [])


def measured(moment: Any, told: Told) -> Lacking:
    """Of a measure: that it was proposed, or what became of it, with what was told of the account then. Raises ``Unknown`` where nobody proposed
    it."""
    event = told.event(OF_MEASURES[told.type])
    known, stream, facts = measures.trail(moment, event.measure), measures.stream_of(event.measure), list[OwnFact]()
    if known is None:
        if not isinstance(event, MeasureProposed) or not is_of_its_alert(event):
            raise Unknown(f"nothing is known of measure {event.measure!r}, or its id is not that of its alert")
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
    """Of a notice that went out, proposed here before or not. Raises ``Unknown`` where its id is of another number."""
    notice = told.event(DunningNotice)
    if notice.notice != dunning.notice_id(notice.account, notice.number):
        raise Unknown(f"notice {notice.notice!r} is not the id of number {notice.number} of its account")
    known = dunning.trail(moment, notice.notice)
    issued = DunningNoticeIssued(notice.notice, notice.account, notice._asdict(), told.data["by"], told.data["reason"])
    is_new = known is None or known.state == PROPOSED
    return Lacking(notice.account, notice.notice, [(dunning.stream_of(notice.notice), issued)] if is_new else [], [])


def taken_back(moment: Any, told: Told) -> Lacking:
    """Of a notice that was cancelled after it went out. Raises ``Unknown`` where it did not go out."""
    event = told.event(DunningNoticeCancelled)
    known = dunning.trail(moment, event.notice)
    if known is None or not known.is_told:
        raise Unknown(f"nothing is known here of a notice {event.notice!r} that went out")
    return Lacking(event.account, event.notice, [(dunning.stream_of(event.notice), event)] if known.state == ISSUED else [], [])


OF_MEASURES = {type_: kind for kind, type_ in measures.TYPES.items()}
READ: dict[str, Callable[[Any, Told], Lacking]] = {
    decisions.MADE: made,
    decisions.REFUSED: refused,
    **dict.fromkeys(OF_MEASURES, measured),
    dunning.NOTICED: noticed,
    dunning.TAKEN_BACK: taken_back,
    **SAID,
}
"""By the type of the message."""


def of(moment: Any, id_: str) -> tuple[int, DecisionReadBack] | None:
    """When (microseconds) and by whom a decision or a notice was read back first; ``None`` where it was made here."""
    for _, _, topic, state, recorded_at, _ in moment.events(stream_of(id_)):
        event = read_ours(topic, state)
        assert isinstance(event, DecisionReadBack)
        return recorded_at, event
    return None
