"""Payments of the sample: whole, in part, early, in lumps over many invoices, unallocated at first, bounced.

An invoice is no longer open for others once a payment for it is received, allocated or not.
"""

from service.sample.customers import Account
from service.sample.diary import Diary
from service.sample.documents import Invoice

LUMP_MAX = 12  # invoices of one payment
METHODS = ("transfer", "transfer", "direct_debit", "cheque", "card")

Share = tuple[Invoice, int]  # an invoice, and what the payment clears of it


def pay(diary: Diary, invoice: Invoice, most: int = 0) -> None:
    """What is open of it, at most `most` where given; of lump payers with all else that is due."""
    if not invoice.open:
        return
    if invoice.disputed:
        diary.later(diary.between(10, 20), pay, invoice)
        return
    shares = [(invoice, min(most or invoice.open, invoice.open))]
    if not most and diary.chance(0.06):
        shares = [(invoice, max(1, invoice.open * diary.between(3, 8) // 10))]
        diary.later(diary.between(7, 40), pay, invoice)
    elif not most and invoice.account.lumps:
        shares += _others_due(diary, invoice)
    _receive(diary, invoice.account, shares)


def _others_due(diary: Diary, invoice: Invoice) -> list[Share]:
    """From the oldest on; what is passed over here has its own day planned."""
    unpaid = invoice.account.unpaid
    shares: list[Share] = []
    while unpaid and len(shares) < LUMP_MAX - 1 and unpaid[0].due <= diary.today + 10:
        other = unpaid.popleft()
        if other.open and not other.disputed and other is not invoice and other.currency is invoice.currency:
            shares.append((other, other.open))
    return shares


def pay_early(diary: Diary, invoice: Invoice) -> None:
    """In time for two percent of discount, which clears the rest of the invoice."""
    discount = invoice.open // 50
    if not discount or invoice.disputed:
        pay(diary, invoice)
        return
    money, cash = invoice.currency.money, invoice.open - discount
    allocation = f'{{"invoice":"{invoice.invoice}","amount":"{money(cash)}","discount":"{money(discount)}"}}'
    shares = [(invoice, invoice.open)]
    invoice.open = 0
    payment = _tell(diary, invoice, cash, f',"allocations":[{allocation}]')
    if diary.chance(0.01):
        diary.later(diary.between(2, 8), _bounce, payment, shares)


def _receive(diary: Diary, account: Account, shares: list[Share]) -> None:
    first, amount = shares[0][0], 0
    for invoice, cleared in shares:
        invoice.open -= cleared
        amount += cleared
    if first.currency is not account.currency and len(shares) == 1 and diary.chance(0.3):
        _receive_in_account_currency(diary, first, amount)
        return
    luck = diary.random()
    if luck < 0.16:
        payment = _tell(diary, first, amount, "")
        days = diary.between(1, 6)
        for invoice, cleared in shares:
            diary.later(days, _allocate, invoice, payment, first.currency.money(cleared), "")
        return
    money = first.currency.money
    allocations = ",".join([f'{{"invoice":"{i.invoice}","amount":"{money(cleared)}"}}' for i, cleared in shares])
    over = amount // 20 if luck > 0.994 else 0
    payment = _tell(diary, first, amount + over, f',"allocations":[{allocations}]')
    if luck < 0.178:
        diary.later(diary.between(2, 8), _bounce, payment, shares)


def _receive_in_account_currency(diary: Diary, invoice: Invoice, amount: int) -> None:
    """Worth the same at the rate of the day; the allocation says both amounts."""
    currency = invoice.account.currency
    credit = currency.minor(invoice.currency.euro(amount))
    payment = _tell(diary, invoice, credit, "", in_account_currency=True)
    said = f',"credit_amount":"{currency.money(credit)}"'
    diary.later(diary.between(0, 3), _allocate, invoice, payment, invoice.currency.money(amount), said)


def _tell(diary: Diary, invoice: Invoice, amount: int, allocations: str, *, in_account_currency: bool = False) -> str:
    payment, account = diary.number("P"), invoice.account
    currency = account.currency if in_account_currency else invoice.currency
    date = diary.posting_day(invoice.date)
    value = f'"value_date":"{diary.iso[date + diary.between(0, 2)]}",' if diary.chance(0.2) else ""
    diary.tell(
        "payment.received",
        account,
        f'"payment":"{payment}","date":"{diary.iso[date]}","currency":"{currency.subject}",'
        f'"amount":"{currency.money(amount)}",{value}"method":"{METHODS[diary.between(0, 4)]}"{allocations}',
    )
    return payment


def _allocate(diary: Diary, invoice: Invoice, payment: str, money: str, said: str) -> None:
    """A few go to be undone, and are made again."""
    allocation = diary.number("AL")
    diary.tell(
        "allocation.made",
        invoice.account,
        f'"allocation":"{allocation}","date":"{diary.iso[diary.today]}","credit":"{payment}",'
        f'"credit_kind":"payment","invoice":"{invoice.invoice}","amount":"{money}"{said}',
    )
    if diary.chance(0.04):
        diary.later(diary.between(1, 5), _undo, invoice, allocation, payment, money, said)


def _undo(diary: Diary, invoice: Invoice, allocation: str, payment: str, money: str, said: str) -> None:
    diary.tell("allocation.undone", invoice.account, f'"allocation":"{allocation}","date":"{diary.iso[diary.today]}"')
    diary.later(diary.between(0, 3), _allocate, invoice, payment, money, said)


def _bounce(diary: Diary, payment: str, shares: list[Share]) -> None:
    """Its invoices are open again, until the bank was wrong or the customer pays anew."""
    account = shares[0][0].account
    diary.tell(
        "payment.returned",
        account,
        f'"payment":"{payment}","date":"{diary.iso[diary.today]}","reason":"insufficient_funds"',
    )
    if diary.chance(0.25):
        diary.later(diary.between(1, 5), _honour, account, payment)
        return
    for invoice, cleared in shares:
        invoice.open += cleared
        diary.later(diary.between(6, 20), pay, invoice)


def _honour(diary: Diary, account: Account, payment: str) -> None:
    diary.tell("payment.return_cancelled", account, f'"payment":"{payment}","date":"{diary.iso[diary.today]}"')
