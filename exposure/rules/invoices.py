"""Debit items: what is open per instalment, what of it is disputed, what was written off, and what of their credits they refused.

On a day, the allocations granted to the item clear it in order, write-offs after the allocations of the same day, each up to what is open;
the earliest due is cleared first, disputes cover the latest due first (laws 5 to 8).
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from exposure.rules.documents import Document, Movement, State, moved, moved_on
from exposure.rules.spans import NEVER, Span, clash_of, clashes, span_from, standing
from schemas.amounts import divided, minor
from schemas.facts import LAST_DAY, Data, Fact

TERMS = "InvoiceTermsChanged"

Taker = tuple[str, int, str, str, str, int, int, int, int, str, str]
"""Something that clears the item on a day: since which day, 0 for an allocation and 1 for a write-off, told order, its place in its list;
then its cash, what the credit gives for it, its discount, the credit and the credit's currency (of a write-off itself, and no currency). Takers
take their turn in this order."""


class Turn(NamedTuple):
    """What became of a taker at the item: what was ``taken`` of its cash and its ``discount``, and what of the credit was ``refused``."""

    taker: Taker
    taken: int
    discount: int
    refused: int


def span_of(facts: list[Fact], posted: Fact | None) -> Span:
    if posted is None:
        return NEVER
    start = posted.data["date"]
    return (start, LAST_DAY) if len(facts) == 1 else span_from(start, facts, "InvoiceCancelled")


def existence(item: Document) -> tuple[str, str, str | None]:
    """What a credit has to know of an item it names: from when until when it can be cleared, and its currency."""
    posted = standing(item.facts, "InvoicePosted")
    if posted is None:
        return (*NEVER, None)
    return (*span_of(item.facts, posted), posted.data["currency"])


def terms_of(facts: list[Fact]) -> tuple[list[Fact], str | None]:
    """The terms by version, and from which day a version clashes.

    The posted invoice is version 0; where it lost that number it holds until the winner's day.
    """
    posted = standing(facts, "InvoicePosted")
    if posted and len(facts) == 1:
        return facts, None
    rivals: dict[int, list[Fact]] = {0: [posted]} if posted else {}
    for fact in facts:
        if fact.name == TERMS:
            rivals.setdefault(fact.data["version"], []).append(fact)
    stands = [min(rivals[version], key=lambda fact: fact.told) for version in sorted(rivals)]
    if posted and posted not in stands:
        stands.insert(0, posted)
    clash = min([day for same in rivals.values() if (day := clashes(same))], default=None)
    return stands, clash


def instalments_on(terms: list[Fact], amount: int, currency: str, day: str) -> tuple[list[tuple[str, int]], bool]:
    """Due days with their amounts, earliest first, adding up to the item's amount; and whether they did so as told."""
    data = terms[0].data
    if len(terms) > 1:
        data = next(fact.data for fact in reversed(terms) if fact.data["date"] <= day)
    if "due" in data:
        return [(data["due"], amount)], True
    told = sorted([(part["due"], minor(part["amount"], currency)) for part in data["instalments"]], key=lambda part: part[0])
    rest = amount - sum([part for _, part in told])
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


def evaluate(item: Document, version: int, since: str) -> list[Movement]:
    """How the item moves from ``since`` on."""
    if since == LAST_DAY:
        return []
    facts = item.facts
    if len(facts) == 1 and not item.inbox and not item.moves and "due" in facts[0].data and facts[0].name == "InvoicePosted":
        return falls_due(item, version, facts[0].data)
    posted = standing(facts, "InvoicePosted")
    if posted and len(facts) == 1 and since >= item.horizon and since >= posted.data["date"]:
        state: State = {}
        item_state(item, posted, facts, since, state)
        return moved_on(item, version, since, state) if since > item.last_day else moved(item, version, since, [(since, state)])
    terms, clash = terms_of(facts)
    if len(facts) > 1 and (number_clash := clash_of(facts, "InvoicePosted")):
        clash = min(clash or LAST_DAY, number_clash)
    start, until = span_of(facts, posted)
    said: list[tuple[str, State]] = []
    for day in days_from(item, since):
        state = {}
        if clash and clash <= day:
            state["anomaly:number_clash", item.key, "", ""] = 1
        if posted is None or day < posted.data["date"]:
            pending(item, day, state)
        elif start <= day < until:
            item_state(item, posted, terms, day, state)
        said.append((day, state))
    return moved(item, version, since, said)


def falls_due(item: Document, version: int, data: Data) -> list[Movement]:
    """An item that nothing was claimed of yet, due on one day: all of it is open."""
    currency = data["currency"]
    amount = minor(data["amount"], currency)
    return moved_on(item, version, data["date"], {("receivables", "", currency, data["due"]): amount}) if amount else []


def days_from(item: Document, since: str) -> list[str]:
    """The days from ``since`` on that may say something else than the day before."""
    if since >= item.horizon:
        return [since]
    days = {fact.data["date"] for fact in item.facts}
    for _, _, names, grants, _, _ in item.inbox.values():
        for _, start, until in names:
            days.add(start)
            days.add(until)
        for grant in grants:
            days.add(grant[8])
            days.add(grant[9])
    days.discard(LAST_DAY)
    item.horizon = max(days, default="")
    return sorted([day for day in days if day >= since])


def pending(item: Document, day: str, state: State) -> None:
    for claim in item.inbox.values():
        for naming, start, until in claim[2]:
            if start <= day < until:
                state["pending:invoice", naming, "", ""] = 1


def item_state(item: Document, posted: Fact, terms: list[Fact], day: str, state: State) -> None:
    currency = posted.data["currency"]
    amount = minor(posted.data["amount"], currency)
    rest, disputed = amount, 0
    if item.inbox:
        takers, disputed = takers_on(item, posted, day)
        rest = clear(takers, amount, currency, state)
    instalments, adds_up = instalments_on(terms, amount, currency, day)
    if not adds_up:
        state["anomaly:instalments_mismatch", item.key, "", ""] = 1
    if rest == 0:
        return
    disputed = min(rest, disputed)
    if len(instalments) == 1 and not disputed:
        state["receivables", "", currency, instalments[0][0]] = rest
        return
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


def takers_on(item: Document, posted: Fact, day: str) -> tuple[list[Taker], int]:
    """What clears the item on the day, in order; and how much of it is in dispute."""
    takers: list[Taker] = []
    disputed = 0
    for key, (_, _, names, grants, told, amount) in item.inbox.items():
        for effective, time, source, id_, place, _, credit, credit_currency, start, until, cash, credit_amount, discount in grants:
            if start <= day < until:
                takers.append((effective, 0, time, source, id_, place, cash, credit_amount, discount, credit, credit_currency))
        if told is not None and names:
            _, start, until = names[0]
            if start <= day < until:
                cash = minor(amount, posted.data["currency"])
                if key.startswith("dispute:"):
                    disputed += cash
                else:
                    takers.append((max(start, posted.data["date"]), 1, *told, 0, cash, 0, 0, key, ""))
    if len(takers) > 1:
        takers.sort()
    return takers, disputed


def clear(takers: list[Taker], amount: int, currency: str, state: State) -> int:
    """Lets each take its turn and returns what stays open; what an item refuses of a credit is unapplied there."""
    rest = amount
    for taker, taken, discount, refused in turns(takers, amount):
        rest -= taken + discount
        if taker[1] and taken:
            place = ("written_off", "", currency, "")
            state[place] = state.get(place, 0) + taken
        elif refused:
            place = ("unapplied", taker[9], taker[10], "")
            state[place] = state.get(place, 0) - refused
    return rest


def turns(takers: Iterable[Taker], amount: int) -> Iterator[Turn]:
    """Each takes up to what is open."""
    rest = amount
    for taker in takers:
        _, is_write_off, _, _, _, _, cash, credit_amount, discount, _, _ = taker
        taken = min(cash, rest)
        rest -= taken
        rebate = min(discount, rest) if discount else 0
        rest -= rebate
        refused = divided(credit_amount * (cash - taken), cash) if taken < cash and not is_write_off else 0
        yield Turn(taker, taken, rebate, refused)


def header(facts: list[Fact]) -> dict[str, Any]:
    """What a list of open items says of the item besides its sums."""
    posted = standing(facts, "InvoicePosted")
    assert posted is not None
    return posted.data
