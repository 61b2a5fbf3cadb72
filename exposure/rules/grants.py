"""Grants in the ordinary case: a credit told once that stands for ever, and allocations that stand for ever of items of its account that do.

Then what is granted on a day never changes on a later one: allocations are granted one after the other, once, and no day has to be evaluated
by itself. All else is left to ``credits.evaluate``, which says the same of these too.
"""

from exposure.rules.credits import OF_OWN_ITEM, POSTED
from exposure.rules.documents import Claim, Document, Key, Movement, State, moved
from exposure.rules.transfers import TOLD
from schemas.amounts import divided, minor
from schemas.facts import LAST_DAY, Data, Told

Asked = tuple[str, Told, int, str, Key, str, str, str | None, str | None]
"""The day it takes effect, told order, place in its list, what tells it, the item, its amount, the item's currency, credit amount, discount.
They are granted in this order."""


def in_order(credit: Document, version: int, since: str) -> tuple[list[Movement], dict[Key, Claim]] | None:
    """How the credit moves from ``since`` on, and what it grants to the items it names; ``None`` where it is not of the ordinary kind."""
    fact = credit.facts[0]
    kind = POSTED.get(fact.name)
    if kind is None or len(credit.facts) > 1 or TOLD in credit.inbox:
        return None
    data = fact.data
    day, currency = data["date"], data["currency"]
    naming = f"{kind}:{data[kind]}"
    asked = asked_of(credit, data, kind, fact.told, naming)
    if asked is None:
        return None
    left = minor(data["amount"], currency)
    lefts = [(day, left)]
    claims: dict[Key, Claim] = {}
    if len(asked) > 1:
        claims = {one[4]: NOTHING for one in asked}
        asked.sort()
    for effective, told, place, source, item, amount, its_currency, credit_amount, discount in asked:
        cash = minor(amount, its_currency)
        wanted = cash if its_currency == currency else minor(credit_amount or "0", currency)
        granted = wanted if wanted < left else left
        left -= granted
        if granted < wanted:
            cash, discount = divided(cash * granted, wanted), None
        elif not wanted:
            cash = 0
        rebate = minor(discount, its_currency) if discount else 0
        if effective > lefts[-1][0]:
            lefts.append((effective, left))
        else:
            lefts[-1] = (effective, left)
        first, last, names, grants, _, _ = claims.get(item, NOTHING)
        if source == naming:
            first, last, names = day, max(last, day), ((naming, day, LAST_DAY),)
        if cash or rebate:
            grants += ((effective, *told, place, source, naming, currency, effective, LAST_DAY, cash, granted, rebate),)
            first, last = min(first, effective), effective
        claims[item] = (first, last, names, grants, None, "")
    what = ("unapplied", naming, currency, "")
    said: list[tuple[str, State]] = [(on, {what: -left} if left else {}) for on, left in lefts if on >= since]
    return moved(credit, version, since, said), claims


def asked_of(credit: Document, data: Data, kind: str, order: Told, naming: str) -> list[Asked] | None:
    """Every allocation told of the credit, in its own text or by an allocation document; ``None`` where one is not of the ordinary kind."""
    day, currency, inbox = data["date"], data["currency"], credit.inbox
    usable = max(day, data.get("value_date", ""))
    asked: list[Asked] = []
    for place, told in enumerate(data.get("allocations", ())):
        if "account" in told:
            return None
        item, credit_amount = "invoice:" + told["invoice"], told.get("credit_amount")
        start, until, its_currency = inbox.get(item, NOWHERE)
        if until < LAST_DAY or start == LAST_DAY or (its_currency != currency and credit_amount is None):
            return None
        asked.append((max(usable, start), order, place, naming, item, told["amount"], its_currency, credit_amount, told.get("discount")))
    for source, claim in inbox.items():
        if source.startswith("allocation:"):
            if len(claim) > OF_OWN_ITEM:
                return None
            _, _, told, since, until, its_kind, invoice, amount, credit_amount = claim
            item = "invoice:" + invoice
            start, ended, its_currency = inbox.get(item, NOWHERE)
            if since < day or until < LAST_DAY or since == LAST_DAY or its_kind not in (None, kind):
                return None
            if ended < LAST_DAY or start == LAST_DAY or (its_currency != currency and credit_amount is None):
                return None
            asked.append((max(usable, start, since), told, 0, source, item, amount, its_currency, credit_amount, None))
    return asked


NOWHERE = (LAST_DAY, LAST_DAY, None)
"""When an item that is not known stands."""

NOTHING: Claim = (LAST_DAY, "", (), (), None, "")
"""What is claimed of an item that no allocation in effect names."""
