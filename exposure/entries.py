"""What each document did to the balance of an account (what is owed less what is not used): the lines of a statement of account.

Law: in each currency the lines of all days by a day add up to the balance of that day, to the last unit. A line is a function of what was told: of
an invoice its amount, of a credit the whole of what came in, and beside them what was not paid for in that currency by that account: discounts,
write-offs, money from and for other accounts, and what was exchanged to clear an item in another currency.
"""

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import NamedTuple

from exposure.rules import invoices
from exposure.rules.credits import credits_of
from exposure.rules.documents import Document, Key, Movement
from exposure.rules.spans import Span, standing
from exposure.rules.transfers import TOLD, parts_now
from schemas.amounts import minor
from schemas.facts import LAST_DAY

OWED = ("receivables", "unapplied")
MONEY = frozenset({
    "InvoicePosted", "InvoiceCancelled", "InvoiceTermsChanged", "CreditNotePosted", "CreditNoteCancelled", "PaymentReceived", "PaymentReturned",
    "PaymentReturnCancelled", "AllocationMade", "AllocationUndone", "WriteOffPosted", "WriteOffReversed", "PaymentTransferred",
})  # fmt: skip
"""Facts that move what is owed or not used."""

TAKEN_BACK = {
    "discount": "discount_taken_back",
    "write_off": "write_off_reversed",
    "transfer_from": "transfer_from_taken_back",
    "transfer_to": "transfer_to_taken_back",
}
"""What a kind of line is called where it goes the other way."""
RAISES = ("transfer_to",)
"""Of these, those that raise the balance where they are not taken back."""

ORDER = (
    "invoice", "debit_memo", "down_payment", "fee", "interest", "credit_note", "payment", "return_cancelled", "transfer_from", "discount",
    "transfer_to", "exchange", "write_off", "payment_returned", "credit_note_cancelled", "invoice_cancelled", *TAKEN_BACK.values(),
)  # fmt: skip
"""Of one day, what is billed stands before what is paid, and what takes anything back behind it."""


class Entry(NamedTuple):
    """On a day the balance in a currency changed by so many minor units, for what a document says; ``account`` is the other one, of a transfer."""

    day: str
    currency: str
    kind: str
    document: str
    account: str
    amount: int


class What(NamedTuple):
    """What the amounts of several days are about; two of one number differ by their ``naming``."""

    kind: str
    naming: Key
    document: str
    account: str
    currency: str


Steps = dict[What, dict[str, int]]
"""By how much each changes the balance, by day."""


def entries(documents: Mapping[Key, Document], wanted: Container[Key] | None = None) -> list[Entry]:
    """All lines of an account in their order, from all its documents of money; or what some documents say in them."""
    steps: Steps = defaultdict(lambda: defaultdict(int))
    for document in documents.values():
        if wanted is not None and document.key not in wanted:
            continue
        if document.kind == "invoice":
            of_invoice(document, documents, steps)
        elif document.kind == "credit":
            of_credit(document, steps)
        elif document.kind == "transfer" and document.facts:
            of_transfer(document, steps)
    return sorted(lines(steps), key=lambda line: (line.day, ORDER.index(line.kind), line.document, line.account, line.currency))


def lines(steps: Steps) -> Iterator[Entry]:
    for of, days in steps.items():
        for day, amount in days.items():
            if amount:
                yield Entry(day, of.currency, kind_of(of, amount), of.document, of.account, amount)


def kind_of(of: What, amount: int) -> str:
    return TAKEN_BACK.get(of.kind, of.kind) if (amount > 0) != (of.kind in RAISES) else of.kind


def put(steps: Steps, of: What, span: Span, amount: int) -> None:
    """From one day until another the balance is so much more."""
    steps[of][span[0]] += amount
    if span[1] < LAST_DAY:
        steps[of][span[1]] -= amount


def of_invoice(item: Document, documents: Mapping[Key, Document], steps: Steps) -> None:
    posted = standing(item.facts, "InvoicePosted")
    if posted is None:
        return
    start, until = invoices.span_of(item.facts, posted)
    if start == LAST_DAY:
        return
    currency, kind, naming = posted.data["currency"], posted.data["kind"], item.key
    amount = minor(posted.data["amount"], currency)
    steps[What(kind, naming, item.number, "", currency)][start] += amount
    if until < LAST_DAY:
        steps[What("invoice_cancelled", naming, item.number, "", currency)][until] -= amount
    days = [day for day in invoices.days_from(item, "") if start <= day < until] if item.inbox else []
    for day, end in zip(days, [*days[1:], until], strict=False):
        for turn in invoices.turns(invoices.takers_on(item, posted, day)[0], amount):
            _, is_write_off, *_, cash, _, _, source, credit_currency = turn.taker
            if is_write_off:
                put(steps, What("write_off", source, source.partition(":")[2], "", currency), (day, end), -turn.taken)
                continue
            document = credit_number(source, documents)
            put(steps, What("discount", source, document, "", currency), (day, end), -turn.discount)
            if currency == credit_currency:
                put(steps, What("exchange", source, document, "", currency), (day, end), -cash)
            else:
                put(steps, What("exchange", source, document, "", currency), (day, end), -turn.taken)
                put(steps, What("exchange", source, document, "", credit_currency), (day, end), -turn.refused)


def credit_number(source: Key, documents: Mapping[Key, Document]) -> str:
    """The number of a payment or credit note, of whatever account."""
    kind, _, number = source.partition(":")
    return str(parted(documents[source])[1]) if kind == "transfer" else number


def parted(transfer: Document) -> tuple[str, str]:
    """Which account gave it, and its number there."""
    data = max(transfer.facts, key=lambda fact: fact.data["version"]).data
    return data["account"], data["credit"]


def of_credit(document: Document, steps: Steps) -> None:
    """What it is not known to have cleared in its own currency, nor given away, was exchanged."""
    for kind, credit in credits_of(document.facts).items():
        ended = "payment_returned" if kind == "payment" else "credit_note_cancelled"
        exchanged = What("exchange", credit.naming, document.number, "", credit.currency)
        for place, (start, until) in enumerate(credit.spans):
            if start == LAST_DAY:
                continue
            begun = "return_cancelled" if place else kind
            steps[What(begun, credit.naming, document.number, "", credit.currency)][start] -= credit.amount
            if until < LAST_DAY:
                steps[What(ended, credit.naming, document.number, "", credit.currency)][until] += credit.amount
            put(steps, exchanged, (start, until), credit.amount)
    for move in unapplied(document):
        steps[What("exchange", move.item, document.number, "", move.currency)][move.day] += move.amount
    for account, _, parts in document.inbox.get(TOLD, (LAST_DAY, "", ()))[2]:
        for _, _, _, _, _, _, naming, currency, start, until, _, _, _, granted, _ in parts:
            amount = minor(granted, currency)
            put(steps, What("transfer_to", naming, document.number, account, currency), (start, until), amount)
            put(steps, What("exchange", naming, document.number, "", currency), (start, until), -amount)


def of_transfer(transfer: Document, steps: Steps) -> None:
    account, number = parted(transfer)
    for part in parts_now(transfer):
        currency, span, granted = part["currency"], (part["from"], part.get("until", LAST_DAY)), minor(part["granted"], part["currency"])
        put(steps, What("transfer_from", transfer.key, number, account, currency), span, -granted)
        put(steps, What("exchange", transfer.key, number, "", currency), span, granted)
    for move in unapplied(transfer):
        steps[What("exchange", transfer.key, number, "", move.currency)][move.day] += move.amount


def unapplied(document: Document) -> Iterator[Movement]:
    return (move for move in document.moves if move.component == "unapplied")


def balances(documents: Iterable[Document], before: str) -> dict[str, int]:
    """What is owed less what is not used by currency, before a day."""
    sums: dict[str, int] = defaultdict(int)
    for document in documents:
        for move in document.moves:
            if move.component in OWED and move.day < before:
                sums[move.currency] += move.amount
    return sums
