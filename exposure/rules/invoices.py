"""Debit items: what is open per instalment, what of it is disputed, what was written off, and what of their credits they refused.

On a day, the allocations granted to the item clear it in order, write-offs after the allocations of the same day, each up to what is open;
the earliest due is cleared first, disputes cover the latest due first (laws 5 to 8).
"""

from typing import Any, NamedTuple

from exposure.rules.documents import Claim, Document, Net, Span, State, Timeline, clashes, earliest_day, edges, standing, within
from schemas.amounts import divided, minor
from schemas.facts import Fact

TERMS = "InvoiceTermsChanged"


class Taker(NamedTuple):
    """Something that clears the item on a day: sorted by day, allocations before write-offs, told order, place in its list."""

    day: str
    rank: int
    time: str
    source: str
    id: str
    place: int
    cash: int
    credit_amount: int
    discount: int
    credit: str
    currency: str


def spans_of(item: Document) -> list[Span]:
    posted = standing(item.facts, "InvoicePosted")
    if posted is None:
        return []
    start, until = posted.data["date"], earliest_day(item.facts, "InvoiceCancelled")
    return [[start, until]] if until is None or start < until else []


def existence(item: Document) -> Claim:
    """What a credit has to know of an item it names."""
    posted = standing(item.facts, "InvoicePosted")
    return {"spans": spans_of(item), "currency": posted.data["currency"] if posted else None}


def terms_of(facts: list[Fact]) -> tuple[list[Fact], str | None]:
    """The terms by version, and from which day a version clashes.

    The posted invoice is version 0; where it lost that number it holds until the winner's day.
    """
    posted = standing(facts, "InvoicePosted")
    if posted and len(facts) == 1:
        return [posted], None
    rivals: dict[int, list[Fact]] = {0: [posted]} if posted else {}
    for fact in facts:
        if fact.name == TERMS:
            rivals.setdefault(fact.data["version"], []).append(fact)
    stands = [min(rivals[version], key=lambda fact: fact.told) for version in sorted(rivals)]
    if posted and posted not in stands:
        stands.insert(0, posted)
    clash = min((day for same in rivals.values() if (day := clashes(same))), default=None)
    return stands, clash


def instalments_on(terms: list[Fact], amount: int, currency: str, day: str) -> tuple[list[tuple[str, int]], bool]:
    """Due days with their amounts, earliest first, adding up to the item's amount; and whether they did so as told."""
    fact = next(fact for fact in reversed(terms) if fact.data["date"] <= day)
    if "due" in fact.data:
        return [(fact.data["due"], amount)], True
    told = sorted(((part["due"], minor(part["amount"], currency)) for part in fact.data["instalments"]), key=lambda part: part[0])
    rest = amount - sum(part for _, part in told)
    if rest == 0:
        return told, True
    if rest > 0:
        told[-1] = (told[-1][0], told[-1][1] + rest)
        return told, False
    for place in range(len(told) - 1, -1, -1):
        due, part = told[place]
        cut = min(part, -rest)
        told[place] = (due, part - cut)
        rest += cut
    return told, False


def evaluate(item: Document, since: str) -> Net:
    """What changes of the item's net movements from ``since`` on."""
    posted = standing(item.facts, "InvoicePosted")
    terms, terms_clash = terms_of(item.facts)
    number_clash = clashes([fact for fact in item.facts if fact.name == "InvoicePosted"])
    clash = min((day for day in (terms_clash, number_clash) if day), default=None)
    timeline = Timeline(item, since)
    spans = spans_of(item)
    for day in days_of(item, terms, spans, clash):
        if day < since:
            continue
        state: State = {}
        if clash and clash <= day:
            state["anomaly:number_clash", item.key, "", ""] = 1
        if posted is None or day < posted.data["date"]:
            pending(item, day, state)
        elif within(spans, day):
            item_state(item, posted, terms, day, state)
        timeline.on(day, state)
    return timeline.changes()


def days_of(item: Document, terms: list[Fact], spans: list[Span], clash: str | None) -> list[str]:
    days = {fact.data["date"] for fact in terms}
    days.update(edges(spans))
    if clash:
        days.add(clash)
    for claim in item.inbox.values():
        for _, spans in claim["naming"]:
            days.update(edges(spans))
        for _, steps in claim.get("grants", ()):
            days.update(edges([step[:2] for step in steps]))
    return sorted(days)


def pending(item: Document, day: str, state: State) -> None:
    for claim in item.inbox.values():
        for naming, spans in claim["naming"]:
            if within(spans, day):
                state["pending:invoice", naming, "", ""] = 1


def item_state(item: Document, posted: Fact, terms: list[Fact], day: str, state: State) -> None:
    currency = posted.data["currency"]
    amount = minor(posted.data["amount"], currency)
    rest = clear(takers_on(item, posted, day), amount, currency, state)
    instalments, adds_up = instalments_on(terms, amount, currency, day)
    if not adds_up:
        state["anomaly:instalments_mismatch", item.key, "", ""] = 1
    if rest == 0:
        return
    disputed = min(rest, disputed_on(item, currency, day))
    parts = open_parts(instalments, rest)
    for place in range(len(parts) - 1, -1, -1):
        due, part = parts[place]
        if part:
            instalment = str(place + 1) if len(parts) > 1 else ""
            state["receivables", instalment, currency, due] = part
            in_dispute = min(part, disputed)
            if in_dispute:
                disputed -= in_dispute
                state["disputed", instalment, currency, due] = in_dispute


def open_parts(instalments: list[tuple[str, int]], rest: int) -> list[tuple[str, int]]:
    """What of each instalment is open when ``rest`` of the item is: the earliest due was cleared first."""
    parts = []
    for due, part in reversed(instalments):
        parts.append((due, min(part, rest)))
        rest -= min(part, rest)
    return parts[::-1]


def takers_on(item: Document, posted: Fact, day: str) -> list[Taker]:
    takers = []
    currency = posted.data["currency"]
    for key, claim in item.inbox.items():
        for (effective, time, source, id_, place, _, credit, credit_currency), steps in claim.get("grants", ()):
            for start, until, cash, credit_amount, discount in steps:
                if within([[start, until]], day):
                    takers.append(Taker(effective, 0, time, source, id_, place, cash, credit_amount, discount, credit, credit_currency))
        if key.startswith("write_off:"):
            _, spans = claim["naming"][0] if claim["naming"] else ("", [])
            if within(spans, day):
                since = max(spans[0][0], posted.data["date"])
                time, source, id_ = claim["told"]
                takers.append(Taker(since, 1, time, source, id_, 0, minor(claim["amount"], currency), 0, 0, "", ""))
    if len(takers) > 1:
        takers.sort()
    return takers


def clear(takers: list[Taker], amount: int, currency: str, state: State) -> int:
    """Lets each take its turn and returns what stays open; what an item refuses of a credit is unapplied there."""
    rest = amount
    for taker in takers:
        taken = min(taker.cash, rest)
        rest -= taken
        if taker.rank:
            if taken:
                state["written_off", "", currency, ""] = state.get(("written_off", "", currency, ""), 0) + taken
            continue
        rest -= min(taker.discount, rest)
        if taken < taker.cash:
            refused = divided(taker.credit_amount * (taker.cash - taken), taker.cash)
            if refused:
                place = ("unapplied", taker.credit, taker.currency, "")
                state[place] = state.get(place, 0) - refused
    return rest


def disputed_on(item: Document, currency: str, day: str) -> int:
    return sum(
        minor(claim["amount"], currency)
        for key, claim in item.inbox.items()
        if key.startswith("dispute:") and any(within(spans, day) for _, spans in claim["naming"])
    )


def header(facts: list[Fact]) -> dict[str, Any]:
    """What a list of open items says of the item besides its sums."""
    posted = standing(facts, "InvoicePosted")
    assert posted is not None
    return posted.data
