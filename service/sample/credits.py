"""Credit notes of the sample: a price put right, a wrong line invoiced anew, goods taken back."""

from collections.abc import Callable

from service.sample.diary import Diary
from service.sample.documents import Invoice, Item, close


def credit_part(diary: Diary, invoice: Invoice, reason: str, amount: int) -> None:
    """A price reduction, of `amount` or of some percents; now and then it is cancelled again."""
    amount = min(amount or invoice.amount * diary.between(2, 15) // 100, invoice.open)
    if amount <= 0:
        return
    doubtful = reason == "price" and diary.chance(0.25)
    note = _credit(diary, invoice, amount, "", at_once=doubtful or diary.chance(0.8))
    if doubtful:
        diary.later(diary.between(1, 4), _cancel, invoice, note, amount)


def _cancel(diary: Diary, invoice: Invoice, note: str, amount: int) -> None:
    """The invoice is open again, and its next payment takes that too."""
    if not invoice.open:
        return
    invoice.open += amount
    diary.tell("credit_note.cancelled", invoice.account, f'"credit_note":"{note}","date":"{diary.iso[diary.today]}"')


def correct(diary: Diary, invoice: Invoice, post: Callable[..., None]) -> None:
    """One line was wrong: it is un-invoiced by a credit note and invoiced anew."""
    item = invoice.items[0]
    worth = item.line.worth(item.size)
    if invoice.open < worth:
        return
    _credit(diary, invoice, worth, item.reference(invoice.currency, name_delivery=False))
    diary.later(diary.between(1, 5), post, invoice.account, invoice.currency, [item])


def take_goods_back(diary: Diary, invoice: Invoice) -> None:
    """All of one delivery comes back: it is reversed, its lines un-invoiced, the rest of the order given up."""
    if invoice.open != invoice.amount:
        return
    delivery, order = invoice.items[0].delivery, invoice.items[0].order
    diary.tell("delivery.reversed", invoice.account, f'"delivery":"{delivery}","date":"{diary.iso[diary.today]}"')
    _credit(diary, invoice, invoice.amount, ",".join([_returned(invoice, i) for i in invoice.items]))
    if order is not None:
        close(diary, order, "cancelled")


def _returned(invoice: Invoice, item: Item) -> str:
    return item.reference(invoice.currency, name_delivery=True)


def _credit(diary: Diary, invoice: Invoice, amount: int, lines: str, *, at_once: bool = True) -> str:
    """Allocated in the note itself, or a day or more later."""
    note, money, today = diary.number("CN"), invoice.currency.money(amount), diary.iso[diary.today]
    invoice.open -= amount
    allocations = f',"allocations":[{{"invoice":"{invoice.invoice}","amount":"{money}"}}]' if at_once else ""
    diary.tell(
        "credit_note.posted",
        invoice.account,
        f'"credit_note":"{note}","date":"{today}","currency":"{invoice.currency.subject}","amount":"{money}"{allocations}'
        + (f',"lines":[{lines}]' if lines else ""),
    )
    if not at_once:
        diary.later(diary.between(1, 4), _allocate, invoice, note, money)
    return note


def _allocate(diary: Diary, invoice: Invoice, note: str, money: str) -> None:
    diary.tell(
        "allocation.made",
        invoice.account,
        f'"allocation":"{diary.number("AL")}","date":"{diary.iso[diary.today]}","credit":"{note}",'
        f'"credit_kind":"credit_note","invoice":"{invoice.invoice}","amount":"{money}"',
    )
