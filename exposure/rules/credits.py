"""Credits (payments and credit notes): allocations in effect are granted in order, each up to what the credit has left; the rest is unapplied.

One that names an item of another account waits for no item: that is not known here. What it is granted is gone (``transfers.py`` tells it there).

A document of the kind ``credit`` keeps what was told of both the payment and the credit note of its number, for a ``credit`` named without its
kind is the payment if one is dated by the day, else the credit note (law 13).
"""

from typing import Any

from exposure.rules.documents import Claim, Document, Key, Movement, State, moved
from exposure.rules.spans import Span, clash_of, edges, later, span_from, standing, within
from schemas.amounts import divided, minor, shown
from schemas.facts import LAST_DAY, Fact, Told

RETURNED_DAYS = 30
"""So long a return is news."""

POSTED = {"PaymentReceived": "payment", "CreditNotePosted": "credit_note"}


class Credit:
    """A payment or credit note that was told: its days, its amount in minor units, and when its money can be used."""

    __slots__ = ("amount", "currency", "day", "fact", "kind", "naming", "spans", "usable")

    def __init__(self, kind: str, fact: Fact, spans: list[Span]) -> None:
        data = fact.data
        self.kind = kind
        self.fact = fact
        self.spans = spans
        self.naming: str = f"{kind}:{data[kind]}"
        self.day: str = data["date"]
        self.usable: str = max(self.day, data.get("value_date", ""))
        self.currency: str = data["currency"]
        self.amount = minor(data["amount"], self.currency)


class Asked:
    """One allocation that was told. ``span`` when the allocation itself stands; ``kind`` the kind of credit it means, if told, ``account`` the one
    of the item where that is another."""

    __slots__ = ("account", "amount", "credit_amount", "discount", "invoice", "kind", "naming", "place", "span", "told")

    def __init__(self, naming: str, kind: str | None, told: Told, place: int, span: Span, invoice: Key) -> None:
        self.naming = naming
        self.kind = kind
        self.told = told
        self.place = place
        self.span = span
        self.invoice = invoice
        self.amount = ""
        self.credit_amount: str | None = None
        self.discount: str | None = None
        self.account: str | None = None


Credits = dict[str, Credit]
"""The payment and the credit note told under one number, by kind."""


def credits_of(facts: list[Fact]) -> Credits:
    found: Credits = {}
    for name, kind in POSTED.items():
        fact = standing(facts, name)
        if fact:
            found[kind] = Credit(kind, fact, (paid_spans if kind == "payment" else noted_spans)(facts, fact.data["date"]))
    return found


def noted_spans(facts: list[Fact], start: str) -> list[Span]:
    return [span_from(start, facts, "CreditNoteCancelled")]


def paid_spans(facts: list[Fact], start: str) -> list[Span]:
    """A payment stands while the last of its returns and cancelled returns by the day (then told order) is not a return."""
    turns = [fact for fact in facts if fact.name in ("PaymentReturned", "PaymentReturnCancelled")]
    if not turns:
        return [(start, LAST_DAY)]
    spans: list[Span] = []
    since: str | None = start
    for turn in sorted(turns, key=lambda fact: (fact.data["date"], fact.told)):
        day = max(turn.data["date"], start)
        if turn.name == "PaymentReturned" and since is not None:
            spans += [(since, day)] if since < day else []
            since = None
        elif turn.name == "PaymentReturnCancelled" and since is None:
            since = day
    return [*spans, (since, LAST_DAY)] if since is not None else spans


def returned_spans(credits: Credits) -> list[Span]:
    """When the payment is known to be returned: from the return's day on until that is cancelled, for so many days at most."""
    payment = credits.get("payment")
    spans: list[Span] = []
    since = payment.day if payment else LAST_DAY
    for start, until in payment.spans if payment else ():
        if since < start:
            spans.append((since, min(start, later(since, RETURNED_DAYS))))
        since = until
    return [*spans, (since, later(since, RETURNED_DAYS))] if since < LAST_DAY else spans


def asked_of(document: Document, credits: Credits) -> list[Asked]:
    """Every allocation told of this number, in the credit's own text or by an allocation document."""
    asked = []
    for credit in credits.values():
        for place, told in enumerate(credit.fact.data.get("allocations", ())):
            one = Asked(credit.naming, credit.kind, credit.fact.told, place, (credit.day, LAST_DAY), "invoice:" + told["invoice"])
            one.amount, one.credit_amount, one.discount = told["amount"], told.get("credit_amount"), told.get("discount")
            one.account = told.get("account")
            asked.append(one)
    for key, claim in document.inbox.items():
        if key.startswith("allocation:"):
            _, _, order, start, until, kind, invoice, amount, credit_amount, *account = claim
            one = Asked(key, kind, order, 0, (start, until), "invoice:" + invoice)
            one.amount, one.credit_amount = amount, credit_amount
            one.account = account[0] if account else None
            asked.append(one)
    return asked


def items_named(document: Document) -> list[Key]:
    """The items of its own account that its allocations name."""
    if len(document.facts) == 1 and not document.inbox:
        return ["invoice:" + told["invoice"] for told in document.facts[0].data.get("allocations", ()) if "account" not in told]
    keys: dict[Key, None] = {}
    for fact in document.facts:
        for told in fact.data.get("allocations", ()):
            if "account" not in told:
                keys["invoice:" + told["invoice"]] = None
    for key, claim in document.inbox.items():
        if key.startswith("allocation:") and len(claim) == OF_OWN_ITEM:
            keys["invoice:" + claim[6]] = None
    return list(keys)


OF_OWN_ITEM = 9
"""So many parts has what an allocation claims of a credit where the item is of its own account; else one more, the account."""

Grant = list[Any]
"""Since which day, told order, place in its list, naming, the credit and its currency; from when until when, cash, credit, discount. To an item of
another account: the same until when, then the item's number, amount and credit amount as told, what of the credit is granted, discount as told."""

Given = dict[str, list[Grant]]
"""What is granted to items of other accounts, by account."""


def evaluate(document: Document, version: int, since: str) -> tuple[list[Movement], dict[Key, Claim], Given]:
    """How the credit moves from ``since`` on (its own remainder before items refuse any), and what it grants to the items it names, of its own
    account and of others."""
    credits = credits_of(document.facts)
    asked = asked_of(document, credits)
    own = [one for one in asked if one.account is None]
    grants: dict[Key, list[Grant]] = {one.invoice: [] for one in own}
    given: Given = {}
    clash = {kind: found for name, kind in POSTED.items() if (found := clash_of(document.facts, name))}
    said: list[tuple[str, State]] = []
    returned = returned_spans(credits)
    days = days_of(document, credits, asked, clash, returned)
    for day, until in zip(days, [*days[1:], LAST_DAY], strict=False):
        state: State = {}
        for kind, clashing in clash.items():
            if clashing <= day:
                state["anomaly:number_clash", f"{kind}:{document.number}", "", ""] = 1
        pending(document, credits, day, state)
        if returned and within(returned, day):
            state["payment_returned", credits["payment"].naming, "", ""] = 1
        for credit in credits.values():
            if within(credit.spans, day):
                queue = in_effect(document, credits, credit, asked, day, state)
                left = grant(credit, queue, grants, given, (day, until))
                if left:
                    state["unapplied", credit.naming, credit.currency, ""] = -left
        if day >= since:
            said.append((day, state))
    return moved(document, version, since, said), {key: item_claim(credits, own, key, granted) for key, granted in grants.items()}, given


def days_of(document: Document, credits: Credits, asked: list[Asked], clash: dict[str, str], returned: list[Span]) -> list[str]:
    days = set(clash.values()) | edges(returned)
    for credit in credits.values():
        days |= edges(credit.spans)
        days.add(credit.day)
        days.add(credit.usable)
    for one in asked:
        days.update(one.span)
    for key, claim in document.inbox.items():
        if key.startswith("invoice:"):
            days.update(claim[:2])
    days.discard(LAST_DAY)
    return sorted(days)


def pending(document: Document, credits: Credits, day: str, state: State) -> None:
    """Allocations that stand on the day and name a credit that is not there yet."""
    for key, claim in document.inbox.items():
        if key.startswith("allocation:") and claim[3] <= day < claim[4]:
            kind = claim[5]
            if not [credit for credit in credits.values() if credit.day <= day and kind in (None, credit.kind)]:
                state[f"pending:{kind or 'credit'}", key, "", ""] = 1


def meant(credits: Credits, one: Asked, day: str) -> str:
    """Which kind of credit an allocation means on the day."""
    if one.kind:
        return one.kind
    payment = credits.get("payment")
    return "payment" if payment and payment.day <= day else "credit_note"


Queued = tuple[str, Told, int, Asked, str]
"""An allocation in effect: the day it took effect, told order, place in its list, itself, and its item's currency (that of the credit where the item
is of another account)."""


def in_effect(document: Document, credits: Credits, credit: Credit, asked: list[Asked], day: str, state: State) -> list[Queued]:
    """The allocations of the credit in effect on the day, in the order they are granted."""
    queue: list[Queued] = []
    for one in asked:
        start, until, currency = ("", LAST_DAY, credit.currency) if one.account else document.inbox.get(one.invoice, (LAST_DAY, LAST_DAY, None))
        if not start <= day < until or not one.span[0] <= day < one.span[1] or meant(credits, one, day) != credit.kind:
            continue
        if currency != credit.currency and one.credit_amount is None:
            state["anomaly:currency_mismatch", one.naming, "", ""] = 1
            continue
        effective = max(one.span[0], credit.usable, start)
        if effective <= day:
            queue.append((effective, one.told, one.place, one, currency))
    if len(queue) > 1:
        queue.sort(key=lambda entry: entry[:3])
    return queue


def grant(credit: Credit, queue: list[Queued], grants: dict[Key, list[Grant]], given: Given, span: Span) -> int:
    """Grants each what the credit has left, writes it into the grants, and returns what then is left (minor units)."""
    left = credit.amount
    for effective, told, place, one, currency in queue:
        head = [effective, *told, place, one.naming, credit.naming, credit.currency]
        if one.account:
            wanted = minor(one.credit_amount or one.amount, currency)
            granted = min(wanted, left)
            left -= granted
            rebate = one.discount if granted == wanted else None
            if granted or rebate:
                told_there = [one.invoice.removeprefix("invoice:"), one.amount, one.credit_amount, shown(granted, currency), rebate]
                step(given.setdefault(one.account, []), head, span, told_there)
            continue
        amount = minor(one.amount, currency)
        wanted = amount if currency == credit.currency else minor(one.credit_amount or "0", credit.currency)
        granted = min(wanted, left)
        left -= granted
        whole = granted == wanted
        cash = divided(amount * granted, wanted) if wanted else 0
        discount = minor(one.discount, currency) if one.discount and whole else 0
        if cash or discount:
            step(grants[one.invoice], head, span, [cash, granted, discount])
    return left


def step(grants: list[Grant], head: list[Any], span: Span, amounts: list[Any]) -> None:
    """Of one allocation, equal grants that touch become one."""
    for known in reversed(grants):
        if known[:8] == head:
            if known[9] == span[0] and known[10:] == amounts:
                known[9] = span[1]
                return
            break
    grants.append([*head, *span, *amounts])


def item_claim(credits: Credits, asked: list[Asked], item: Key, given: list[Grant]) -> Claim:
    """What an item learns of a credit that names it: who names it and when (for what is pending), and what is granted."""
    names_it = {one.naming for one in asked if one.invoice == item}
    names = [(credit.naming, *span) for credit in credits.values() if credit.naming in names_it for span in credit.spans if span[0] < LAST_DAY]
    days = edges([(start, until) for _, start, until in names] + [(grant[8], grant[9]) for grant in given])
    return min(days, default=LAST_DAY), max(days, default=""), tuple(names), tuple([tuple(grant) for grant in given]), None, ""
