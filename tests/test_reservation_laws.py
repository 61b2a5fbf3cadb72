"""Laws of reservations, for every short life of one order: whatever the ERP tells of it, in whatever order it arrives between what is reserved.

The judge is a slow model that is written apart: it asks of one instant after the other what was told by then, and keeps nothing.
"""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from schemas.amounts import minor
from schemas.told import ToldFact
from tests.folding import Books, Event
from tests.histories import as_of_days, histories
from tests.reserving import Happened, books, of_reservation, reserved
from tests.test_rules import ACCOUNT, line, ref, told

FIRST = datetime(2026, 1, 5)
AMOUNTS = ("100.00", "60.00", "40.00", "25.50", "150.00", "0.01")
days = st.integers(0, 8).map(lambda place: f"{FIRST + timedelta(days=place):%Y-%m-%d}")
amounts = st.sampled_from(AMOUNTS)
currencies = st.sampled_from(("EUR", "EUR", "EUR", "USD"))
line_names = st.sampled_from(("1", "2"))
numbers = st.sampled_from(("1", "2"))


def text(day: str, version: int, is_first: bool, currency: str, values: list[str]) -> Event:
    lines = [line(str(place + 1), value=value) for place, value in enumerate(values)]
    return told("order.confirmed" if is_first else "order.amended", day, order="O", version=version, currency=currency, lines=lines)


def closing(day: str, version: int, is_closed: bool) -> Event:
    more = {"reason": "cancelled"} if is_closed else {}
    return told("order.closed" if is_closed else "order.reopened", day, order="O", version=version, **more)


def sending(day: str, number: str, name: str, value: str, currency: str) -> Event:
    return told("delivery.posted", day, delivery=number, currency=currency, lines=[ref(order="O", line=name, value=value)])


def billing(day: str, number: str, name: str, value: str, currency: str) -> Event:
    lines = [ref(order="O", line=name, value=value)]
    return told("invoice.posted", day, invoice=number, currency=currency, amount=value, due="2026-03-01", lines=lines)


def undoing(day: str, kind: str, number: str) -> Event:
    return told(kind, day, **{kind.partition(".")[0]: number})


erp_events = st.one_of(
    st.builds(text, days, st.integers(0, 3), st.booleans(), currencies, st.lists(amounts, min_size=1, max_size=2)),
    st.builds(sending, days, numbers, line_names, amounts, currencies),
    st.builds(billing, days, numbers, line_names, amounts, currencies),
    st.builds(closing, days, st.integers(1, 4), st.booleans()),
    st.builds(undoing, days, st.sampled_from(("delivery.reversed", "invoice.cancelled")), numbers),
)


def at_different_times(events: list[Event]) -> list[Event]:
    """Each is told a second after the one before: told order is their order here."""
    return [event | {"id": str(place), "time": f"2026-02-01T00:00:{place:02}Z"} for place, event in enumerate(events)]


class Choice(NamedTuple):
    """What is done with the order's reservations, so many hours after the last time."""

    hours: int
    what: str
    amount: str
    currency: str
    lasts: int | None
    order_version: int | None
    names_newest: bool


choices = st.builds(
    Choice,
    st.sampled_from((1, 6, 12, 24, 48)),
    st.sampled_from(("CreditReserved", "CreditReserved", "ReservationExtended", "ReservationSettled", "ReservationReleased")),
    amounts,
    currencies,
    st.sampled_from((1, 6, 12, 24, 48, 96, None)),
    st.sampled_from((None, None, 0, 1, 2)),
    st.sampled_from((True, True, True, False)),
)


def recorded(chosen: list[Choice], account: str, order: str) -> list[ToldFact]:
    now, many, facts = FIRST, 0, []
    for one in chosen:
        now += timedelta(hours=one.hours)
        at = now.isoformat()
        ends = {} if one.lasts is None else {"until": (now + timedelta(hours=one.lasts)).isoformat()}
        if one.what == "CreditReserved" or not many:
            many += 1
            version = {} if one.order_version is None else {"order_version": one.order_version}
            facts.append(reserved(order, at, one.amount, name=f"R-{many}", currency=one.currency, account=account, **ends, **version))
        else:
            name = f"R-{many if one.names_newest else max(many - 1, 1)}"
            facts.append(of_reservation(one.what, order, at, name, account=account, **(ends if one.what == "ReservationExtended" else {})))
    return facts


class Life(NamedTuple):
    """What the ERP told in told order, what was recorded of reservations, and how both arrived."""

    erp: list[Event]
    own: list[ToldFact]
    arrived: list[Happened]


@st.composite
def between(draw: Any, erp: list[Event], own: list[ToldFact]) -> list[Happened]:
    """The ERP's events in any order, and what was reserved in its own between them."""
    arrived: list[Happened] = list(draw(st.permutations(erp)))
    places = sorted(draw(st.lists(st.integers(0, len(arrived)), min_size=len(own), max_size=len(own))))
    for already, (place, fact) in enumerate(zip(places, own, strict=True)):
        arrived.insert(place + already, fact)
    return arrived


@st.composite
def lives(draw: Any) -> Life:
    erp = at_different_times(draw(st.lists(erp_events, max_size=7)))
    own = recorded(draw(st.lists(choices, min_size=1, max_size=5)), ACCOUNT, "O")
    return Life(erp, own, draw(between(erp, own)))


# ------------------------------------------------------------------ the slow model


class Reservation(NamedTuple):
    fact: ToldFact
    until: str | None
    firm: bool

    def is_over(self, at: str) -> bool:
        return self.until is not None and self.until <= at


def reservation_at(own: list[ToldFact], at: str) -> Reservation | None:
    """Of what was recorded by the day of an instant, the newest reservation that nobody gave back and time has not ended."""
    newest: Reservation | None = None
    for fact in own:
        if fact.data["date"] > at[:10]:
            break
        if fact.name == "CreditReserved":
            newest = Reservation(fact, fact.data.get("until"), False)
        elif newest and newest.fact.data["reservation"] == fact.data["reservation"]:
            if fact.name == "ReservationReleased":
                newest = None
            elif not newest.is_over(fact.time) and not newest.firm:
                is_firm = fact.name == "ReservationSettled"
                newest = Reservation(newest.fact, None if is_firm else fact.data.get("until"), is_firm)
    return None if newest is None or newest.is_over(at) else newest


class Order(NamedTuple):
    """The order on a day: the versions of its texts and closings, the newest text, and whether it is closed."""

    versions: list[int]
    text: Event | None
    is_closed: bool


def of_kind(erp: list[Event], *kinds: str) -> list[Event]:
    return [event for event in erp if event["type"][4:-3] in kinds]


def order_on(erp: list[Event], day: str) -> Order:
    first: dict[int, Event] = {}
    for event in of_kind(erp, "order.confirmed", "order.amended", "order.closed", "order.reopened"):
        first.setdefault(event["data"]["version"], event)
    dated = {version: event for version, event in sorted(first.items()) if event["data"]["date"] <= day}
    texts = {version: event for version, event in dated.items() if "lines" in event["data"]}
    turns = [event for event in dated.values() if "lines" not in event["data"]]
    ending = [version for version, event in dated.items() if "reopened" not in event["type"]]
    return Order(ending, texts[max(texts)] if texts else None, bool(turns) and "closed" in turns[-1]["type"])


def named_on(erp: list[Event], kind: str, ended: str, day: str) -> dict[tuple[str, str], int]:
    """By line and currency, what standing documents of a kind name."""
    field = kind.partition(".")[0]
    first: dict[str, Event] = {}
    for event in of_kind(erp, kind):
        first.setdefault(event["data"][field], event)
    sums: dict[tuple[str, str], int] = {}
    for number, event in first.items():
        data = event["data"]
        gone = [one["data"]["date"] for one in of_kind(erp, ended) if one["data"][field] == number]
        if data["date"] <= day < min(gone, default="9"):
            (told_of,) = data["lines"]
            place = told_of["line"], data["currency"]
            sums[place] = sums.get(place, 0) + minor(told_of["value"], data["currency"])
    return sums


def reserved_at(erp: list[Event], own: list[ToldFact], at: str) -> dict[tuple[str, str], int]:
    """By its name and currency what is reserved at an instant."""
    day, held = at[:10], reservation_at(own, at)
    order = order_on(erp, day)
    if held is None or any(version > held.fact.data.get("order_version", -1) for version in order.versions):
        return {}
    currency = held.fact.data["currency"]
    sent, billed = named_on(erp, "delivery.posted", "delivery.reversed", day), named_on(erp, "invoice.posted", "invoice.cancelled", day)
    ordered = {}
    if order.text and not order.is_closed:
        ordered = {(row["line"], order.text["data"]["currency"]): minor(row["value"], "EUR") for row in order.text["data"]["lines"]}
    counted = 0
    for place in sent.keys() | billed.keys() | ordered.keys():
        if place[1] == currency and (order.text is None or order.text["data"]["currency"] == currency):
            counted += max(ordered.get(place, 0), sent.get(place, 0), billed.get(place, 0))
    rest = minor(held.fact.data["amount"], currency) - counted
    return {(held.fact.data["reservation"], currency): rest} if rest > 0 else {}


# ------------------------------------------------------------------ the laws


def instants(own: list[ToldFact]) -> list[str]:
    """The last of every day, and of every end that was told the microsecond before it, itself and the one after."""
    ends = [datetime.fromisoformat(fact.data["until"]) for fact in own if "until" in fact.data]
    around = [end + timedelta(microseconds=step) for end in ends for step in (-1, 0, 1)]
    closing_times = [FIRST + timedelta(days=day, microseconds=-1) for day in range(18)]
    return [f"{at:%Y-%m-%dT%H:%M:%S.%f}" for at in (*around, *closing_times)]


def said(kept: Books, at: str, version: int | None = None) -> dict[tuple[str, str], int]:
    items = kept.on(ACCOUNT, at[:10], version, at).items
    return {(item.item, item.currency): amount for item, amount in items.items() if item.component == "reserved"}


@given(lives())
def test_what_is_reserved_is_what_the_slow_model_says_however_the_facts_arrive(life: Life) -> None:
    kept = [books(life.arrived), books(life.arrived, evict=True), books([*life.own, *life.erp]), books([*life.erp[::-1], *life.own])]
    for at in instants(life.own):
        judged = reserved_at(life.erp, life.own, at)
        for one in kept:
            assert said(one, at) == judged


@given(lives())
def test_what_is_reserved_fills_up_what_the_order_counts_to_what_was_asked_and_never_adds_to_it(life: Life) -> None:
    """Where all is in one currency: reserved + orders + deliveries + receivables is the greater of what was asked and of what counts anyway."""
    erp = [event if "currency" not in event["data"] else event | {"data": event["data"] | {"currency": "EUR"}} for event in life.erp]
    own = [fact._replace(data={**fact.data, "currency": "EUR"}) if "currency" in fact.data else fact for fact in life.own]
    kept = books([*erp, *own])
    for at in instants(own):
        figures = kept.show(ACCOUNT, at[:10], None, at)
        assert figures is not None
        total, held = minor(figures["exposure"]["total"], "EUR"), minor(figures["exposure"]["reserved"], "EUR")
        if held:
            newest = reservation_at(own, at)
            assert newest is not None
            assert total == max(minor(newest.fact.data["amount"], "EUR"), total - held)


@given(lives(), st.integers(0, 12))
def test_what_was_known_of_a_reservation_is_known_for_ever(life: Life, cut: int) -> None:
    early, late = books(life.arrived[:cut]), books(life.arrived)
    head = early.heads.get(ACCOUNT)
    for at in instants(life.own) if head else ():
        assert said(late, at, head.version if head else None) == said(early, at)


BESIDE = ("orders", "deliveries", "receivables", "unapplied")


@given(histories(), st.data())
def test_a_reservation_changes_nothing_but_what_is_reserved(history: list[Event], data: Any) -> None:
    """In any history: the figures beside it are those without it, and what is kept does not depend on what memory knows besides."""
    chosen = st.lists(choices, min_size=1, max_size=4)
    own = recorded(data.draw(chosen), "C-1", data.draw(st.sampled_from(("1", "2"))))
    arrived = data.draw(between(history, own))
    kept, evicted, alone = books(arrived), books(arrived, evict=True), books([event for event in arrived if not isinstance(event, ToldFact)])
    day = data.draw(as_of_days()).isoformat()
    figures, expected = kept.show("C-1", day), alone.show("C-1", day)
    assert figures == evicted.show("C-1", day)
    assert figures == books([*own, *history]).show("C-1", day)
    if figures is not None and expected is not None and figures["currency"] == expected["currency"]:
        assert [figures["exposure"][name] for name in BESIDE] == [expected["exposure"][name] for name in BESIDE]
        assert figures["open_items"] == expected["open_items"]
        assert [row for row in figures["pending"] if row["kind"] != "reservation"] == expected["pending"]
