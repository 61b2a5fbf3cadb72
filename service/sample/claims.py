"""Claims of the sample that go wrong: disputes opened and resolved, old items written off."""

from service.sample.credits import credit_part
from service.sample.diary import Diary
from service.sample.documents import Invoice
from service.sample.payments import pay

REASONS = ("quality", "price", "short_delivery", "not_ordered")


def open_dispute(diary: Diary, invoice: Invoice) -> None:
    """All of an invoice or a part of it; no disputed invoice is paid."""
    if not invoice.open or invoice.disputed:
        return
    invoice.disputed = True
    dispute = diary.number("DI")
    amount = invoice.open if diary.chance(0.4) else max(1, invoice.open * diary.between(1, 8) // 10)
    diary.tell(
        "dispute.opened",
        invoice.account,
        f'"dispute":"{dispute}","date":"{diary.iso[diary.today]}","invoice":"{invoice.invoice}",'
        f'"amount":"{invoice.currency.money(amount)}","reason":"{REASONS[diary.between(0, 3)]}"',
    )
    diary.later(diary.between(10, 50), _resolve, invoice, dispute, amount)


def _resolve(diary: Diary, invoice: Invoice, dispute: str, amount: int) -> None:
    """The customer is right one time in two, and gets a credit note."""
    invoice.disputed = False
    outcome = "credited" if diary.chance(0.5) else "rejected"
    diary.tell(
        "dispute.resolved",
        invoice.account,
        f'"dispute":"{dispute}","date":"{diary.iso[diary.today]}","outcome":"{outcome}"',
    )
    if outcome == "credited":
        credit_part(diary, invoice, "dispute", amount)


def write_off(diary: Diary, invoice: Invoice) -> None:
    """What is still open; a few are reversed, because the customer pays after all."""
    amount = invoice.open
    if not amount:
        return
    if invoice.disputed:
        diary.later(30, write_off, invoice)
        return
    invoice.open = 0
    number = diary.number("W")
    diary.tell(
        "write_off.posted",
        invoice.account,
        f'"write_off":"{number}","date":"{diary.iso[diary.today]}","invoice":"{invoice.invoice}","amount":"{invoice.currency.money(amount)}"',
    )
    if diary.chance(0.3):
        diary.later(diary.between(4, 30), _reverse, invoice, number, amount)


def _reverse(diary: Diary, invoice: Invoice, number: str, amount: int) -> None:
    invoice.open += amount
    diary.tell("write_off.reversed", invoice.account, f'"write_off":"{number}","date":"{diary.iso[diary.today]}"')
    diary.later(diary.between(0, 5), pay, invoice)
