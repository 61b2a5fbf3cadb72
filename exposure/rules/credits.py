"""Credits (payments and credit notes): allocations in effect are granted in order, each up to what the credit has left; the rest is unapplied.

A document of the kind ``credit`` keeps what was told of both the payment and the credit note of its number, for a ``credit`` named without its
kind is the payment if one is dated by the day, else the credit note (law 13).
"""

from dataclasses import dataclass
from typing import Any

from exposure.rules.documents import Claim, Document, Key, Net, Span, State, Timeline, clashes, earliest_day, edges, standing, within
from schemas.amounts import divided, minor
from schemas.facts import Fact, Told

POSTED = {"payment": "PaymentReceived", "credit_note": "CreditNotePosted"}


@dataclass(slots=True)
class Credit:
    """A payment or credit note that was told: its days, its amount in minor units, and when its money can be used."""

    kind: str
    number: str
    fact: Fact
    spans: list[Span]
    usable: str
    currency: str
    amount: int

    @property
    def naming(self) -> str:
        return f"{self.kind}:{self.number}"

    @property
    def day(self) -> str:
        return str(self.fact.data["date"])


@dataclass(slots=True)
class Asked:
    """One allocation that was told. ``spans`` when the allocation itself stands; ``kind`` the kind of credit it means, if told."""

    naming: str
    kind: str | None
    told: Told
    place: int
    spans: list[Span]
    invoice: str
    amount: str
    credit_amount: str | None
    discount: str | None


def credits_of(document: Document) -> dict[str, Credit]:
    """The payment and the credit note told under this number, by kind."""
    found = {}
    for kind, name in POSTED.items():
        fact = standing(document.facts, name)
        if fact:
            data = fact.data
            spans = (paid_spans if kind == "payment" else noted_spans)(document.facts, data["date"])
            usable = max(data["date"], data.get("value_date", ""))
            found[kind] = Credit(kind, document.number, fact, spans, usable, data["currency"], minor(data["amount"], data["currency"]))
    return found


def noted_spans(facts: list[Fact], start: str) -> list[Span]:
    until = earliest_day(facts, "CreditNoteCancelled")
    return [[start, until]] if until is None or start < until else []


def paid_spans(facts: list[Fact], start: str) -> list[Span]:
    """A payment stands while the last of its returns and cancelled returns by the day (then told order) is not a return."""
    turns = [fact for fact in facts if fact.name in ("PaymentReturned", "PaymentReturnCancelled")]
    if not turns:
        return [[start, None]]
    spans: list[Span] = []
    since: str | None = start
    for turn in sorted(turns, key=lambda fact: (fact.data["date"], fact.told)):
        day = max(turn.data["date"], start)
        if turn.name == "PaymentReturned" and since is not None:
            spans += [[since, day]] if since < day else []
            since = None
        elif turn.name == "PaymentReturnCancelled" and since is None:
            since = day
    return [*spans, [since, None]] if since is not None else spans


def asked_of(document: Document, credits: dict[str, Credit]) -> list[Asked]:
    """Every allocation told of this number, in the credit's own text or by an allocation document."""
    asked = [
        Asked(
            credit.naming, credit.kind, credit.fact.told, place, [[credit.day, None]],
            told["invoice"], told["amount"], told.get("credit_amount"), told.get("discount"),
        )
        for credit in credits.values()
        for place, told in enumerate(credit.fact.data.get("allocations", ()))
    ]  # fmt: skip
    for key, claim in document.inbox.items():
        if key.startswith("allocation:"):
            told = tuple(claim["told"])
            asked.append(Asked(key, claim["kind"], told, 0, claim["spans"], claim["invoice"], claim["amount"], claim["credit_amount"], None))
    return asked


def items_named(document: Document) -> list[Key]:
    """The items its allocations name, once each."""
    told = [fact.data["allocations"] for fact in document.facts if "allocations" in fact.data]
    keys = ["invoice:" + allocation["invoice"] for allocations in told for allocation in allocations]
    keys += ["invoice:" + claim["invoice"] for key, claim in document.inbox.items() if key.startswith("allocation:")]
    return list(dict.fromkeys(keys))


def credit_note_of(document: Document) -> tuple[Fact | None, list[Span]]:
    """The credit note told under this number, and when it stands."""
    fact = standing(document.facts, POSTED["credit_note"])
    return fact, noted_spans(document.facts, fact.data["date"]) if fact else []


def there_from(document: Document, kind: str | None) -> str | None:
    """The day from which a credit of the kind (any kind where none was told) is there."""
    found = credits_of(document)
    return min((credit.day for credit in found.values() if kind in (None, credit.kind)), default=None)


def evaluate(document: Document) -> tuple[Net, dict[Key, Claim]]:
    """What changes of the credit's movements (its own remainder before items refuse any), and what it grants to the items it names."""
    credits = credits_of(document)
    asked = asked_of(document, credits)
    claims = {key: naming_claim(credits, asked, key) for key in dict.fromkeys([f"invoice:{one.invoice}" for one in asked])}
    clash = {kind: clashes([fact for fact in document.facts if fact.name == name]) for kind, name in POSTED.items()}
    timeline = Timeline(document, "")
    days = days_of(document, credits, asked, clash)
    for day, until in zip(days, [*days[1:], None], strict=False):
        state: State = {}
        for kind, since in clash.items():
            if since and since <= day:
                state["anomaly:number_clash", f"{kind}:{document.number}", "", ""] = 1
        pending(document, day, state)
        for credit in credits.values():
            if within(credit.spans, day):
                queue = in_effect(document, credits, credit, asked, day, state)
                left = grant(credit, queue, claims, [day, until])
                if left:
                    state["unapplied", credit.naming, credit.currency, ""] = -left
        timeline.on(day, state)
    return timeline.changes(), claims


def days_of(document: Document, credits: dict[str, Credit], asked: list[Asked], clash: dict[str, str | None]) -> list[str]:
    days = {day for day in clash.values() if day}
    for credit in credits.values():
        days.update(edges(credit.spans), (credit.day, credit.usable))
    for one in asked:
        days.update(edges(one.spans))
    for key, claim in document.inbox.items():
        if key.startswith("invoice:"):
            days.update(edges(claim["spans"]))
    return sorted(days)


def pending(document: Document, day: str, state: State) -> None:
    """Allocations that stand on the day and name a credit that is not there yet."""
    for key, claim in document.inbox.items():
        if key.startswith("allocation:") and within(claim["spans"], day):
            there = there_from(document, claim["kind"])
            if there is None or there > day:
                state[f"pending:{claim['kind'] or 'credit'}", key, "", ""] = 1


def meant(credits: dict[str, Credit], one: Asked, day: str) -> str:
    """Which kind of credit an allocation means on the day."""
    if one.kind:
        return one.kind
    payment = credits.get("payment")
    return "payment" if payment and payment.day <= day else "credit_note"


Queued = tuple[str, Told, int, Asked, str]
"""An allocation in effect: the day it took effect, told order, place in its list, itself, and its item's currency."""


def in_effect(document: Document, credits: dict[str, Credit], credit: Credit, asked: list[Asked], day: str, state: State) -> list[Queued]:
    """The allocations of the credit in effect on the day, in the order they are granted."""
    queue: list[Queued] = []
    for one in asked:
        item = document.inbox.get(f"invoice:{one.invoice}")
        if item is None or not within(item["spans"], day) or not within(one.spans, day) or meant(credits, one, day) != credit.kind:
            continue
        if item["currency"] != credit.currency and one.credit_amount is None:
            state["anomaly:currency_mismatch", one.naming, "", ""] = 1
            continue
        effective = max(one.spans[0][0], credit.usable, item["spans"][0][0])
        if effective <= day:
            queue.append((effective, one.told, one.place, one, item["currency"]))
    if len(queue) > 1:
        queue.sort(key=lambda entry: entry[:3])
    return queue


def grant(credit: Credit, queue: list[Queued], claims: dict[Key, Claim], span: Span) -> int:
    """Grants each what the credit has left, writes it into the claims, and returns what then is left (minor units)."""
    left = credit.amount
    for effective, told, place, one, currency in queue:
        amount = minor(one.amount, currency)
        wanted = amount if currency == credit.currency else minor(one.credit_amount or "0", credit.currency)
        granted = min(wanted, left)
        left -= granted
        whole = granted == wanted
        cash = divided(amount * granted, wanted) if wanted else 0
        discount = minor(one.discount, currency) if one.discount and whole else 0
        if cash or discount:
            head = [effective, *told, place, one.naming, credit.naming, credit.currency]
            step(claims[f"invoice:{one.invoice}"]["grants"], head, span, [cash, granted, discount])
    return left


def step(grants: list[Any], head: list[Any], span: Span, amounts: list[int]) -> None:
    """A grant is ``[head, [[from, until, cash, credit, discount], …]]``: equal steps that touch become one."""
    steps = next((known for known_head, known in grants if known_head == head), None)
    if steps is None:
        grants.append([head, [[*span, *amounts]]])
    elif steps[-1][1] == span[0] and steps[-1][2:] == amounts:
        steps[-1][1] = span[1]
    else:
        steps.append([*span, *amounts])


def naming_claim(credits: dict[str, Credit], asked: list[Asked], key: Key) -> Claim:
    """What an item learns of a credit that names it: who names it and when (for what is pending), and what is granted."""
    names_it = {one.naming for one in asked if f"invoice:{one.invoice}" == key}
    return {"naming": [[credit.naming, credit.spans] for credit in credits.values() if credit.naming in names_it], "grants": []}
