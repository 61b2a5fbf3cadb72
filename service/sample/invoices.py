"""Invoices of the sample: posted over deliveries and orders, with what becomes of each planned when it is posted."""

from service.sample.claims import open_dispute, write_off
from service.sample.credits import correct, credit_part, take_goods_back
from service.sample.currencies import Currency
from service.sample.customers import PAYING, Account
from service.sample.diary import Diary
from service.sample.documents import Invoice, Item
from service.sample.limits import block
from service.sample.payments import pay, pay_early

LINES_MAX = 40  # of one collective invoice


def bill(diary: Diary, account: Account, currency: Currency, items: list[Item]) -> None:
    """An invoice of its own, or the next weekly one."""
    if not account.collective or currency is not account.currency:
        _post(diary, account, currency, items)
        return
    if not account.uninvoiced:
        diary.later(7 - diary.today % 7, _bill_the_week, account)
    account.uninvoiced += items


def _bill_the_week(diary: Diary, account: Account) -> None:
    items, account.uninvoiced = account.uninvoiced, []
    for first in range(0, len(items), LINES_MAX):
        _post(diary, account, account.currency, items[first : first + LINES_MAX])


def _post(diary: Diary, account: Account, currency: Currency, items: list[Item]) -> None:
    items = [_without_prepaid(i) if i.line.prepaid else i for i in items]
    luck = diary.random()
    final = luck < 0.08
    if luck < 0.04:  # less than delivered, and that is all
        items = [i._replace(size=i.size - _little(i)) for i in items]
    elif luck > 0.997:  # more than delivered
        items = [i._replace(size=i.size + _little(i)) for i in items]
    items = [i for i in items if i.size]
    if not items:
        return
    amount = worth = sum([i.line.worth(i.size) for i in items])
    if 0.9 < luck < 0.93:
        amount += currency.minor(9.5)  # freight, on no line
    one_delivery = items[0].delivery if all(i.delivery == items[0].delivery for i in items) else ""
    if one_delivery and 0.1 < luck < 0.25:
        lines = f'{{"delivery":"{one_delivery}","value":"{currency.money(worth)}"}}'
    else:
        lines = ",".join([i.reference(currency, name_delivery=luck > 0.6, final=final) for i in items])
    _plan(diary, _tell(diary, account, currency, amount, "invoice", items, lines), bool(one_delivery))


def _without_prepaid(item: Item) -> Item:
    used = min(item.line.prepaid, item.size)
    item.line.prepaid -= used
    return item._replace(size=item.size - used)


def _little(item: Item) -> int:
    if item.line.price:
        return 10 if item.size >= 100 else 0
    return item.size // 50


def post_down_payment(diary: Diary, account: Account, currency: Currency, items: list[Item]) -> None:
    lines = ",".join([i.reference(currency, name_delivery=False) for i in items])
    invoice = _tell(diary, account, currency, sum(i.size for i in items), "down_payment", items, lines)
    diary.later(diary.between(3, 12), pay, invoice)


def _tell(diary: Diary, account: Account, currency: Currency, amount: int, kind: str, items: list[Item], lines: str) -> Invoice:
    date = diary.posting_day(max(0, diary.today - 5))
    invoice = Invoice(diary.number("I"), account, currency, amount, amount, date, date + account.terms, items)
    terms = f'"due":"{diary.iso[invoice.due]}"'
    if kind == "invoice" and diary.chance(0.04):
        terms = _instalments(diary, invoice)
    diary.tell(
        "invoice.posted",
        account,
        f'"invoice":"{invoice.invoice}","date":"{diary.iso[date]}","currency":"{currency.subject}",'
        f'"amount":"{currency.money(amount)}",{terms},"kind":"{kind}"' + (f',"lines":[{lines}]' if lines else ""),
    )
    if account.lumps and currency is account.currency:
        account.unpaid.append(invoice)
    return invoice


def _instalments(diary: Diary, invoice: Invoice) -> str:
    """Two to four equal parts a month apart, the last with what is over; each is paid near its day."""
    many = diary.between(2, 4)
    part = invoice.amount // many
    parts = [part] * (many - 1) + [invoice.amount - part * (many - 1)]
    rows = []
    for n, amount in enumerate(parts):
        rows.append(f'{{"due":"{diary.iso[invoice.due + 30 * n]}","amount":"{invoice.currency.money(amount)}"}}')
        if n < many - 1:
            diary.later(max(1, invoice.due - diary.today + 30 * n + diary.between(-3, 6)), pay, invoice, amount)
    invoice.due += 30 * (many - 1)
    return f'"instalments":[{",".join(rows)}]'


def _plan(diary: Diary, invoice: Invoice, one_delivery: bool) -> None:
    luck = diary.random()
    soon = diary.between(1, 9)
    if luck < 0.010:
        diary.later(soon, _cancel, invoice)
    elif luck < 0.026:
        diary.later(soon, open_dispute, invoice)
    elif luck < 0.040:
        diary.later(soon, credit_part, invoice, "price", 0)
    elif luck < 0.050:
        diary.later(soon, correct, invoice, _post)
    elif luck < 0.064 and one_delivery:
        diary.later(soon, take_goods_back, invoice)
    elif luck < 0.080:
        diary.later(soon, _change_terms, invoice)
    account = invoice.account
    _, delay, never = PAYING[account.risk]
    days = invoice.due - diary.today
    if diary.chance(never):
        diary.later(days + diary.between(60, 130), write_off, invoice)
    elif account.discounts:
        diary.later(min(days, 9), pay_early, invoice)
    else:
        diary.later(max(1, days + int(delay * (0.4 + 1.4 * diary.random())) + diary.between(-2, 4)), pay, invoice)
    if delay > 10:
        diary.later(days + 15, _dun, invoice)


def _cancel(diary: Diary, invoice: Invoice) -> None:
    """Wrong, and posted anew under another number."""
    if invoice.open != invoice.amount:
        return
    invoice.open = 0
    diary.tell("invoice.cancelled", invoice.account, f'"invoice":"{invoice.invoice}","date":"{diary.iso[diary.today]}"')
    diary.later(diary.between(0, 3), _post, invoice.account, invoice.currency, invoice.items)


def _change_terms(diary: Diary, invoice: Invoice) -> None:
    if not invoice.open:
        return
    invoice.terms_version += 1
    invoice.due += 30
    terms = f'"due":"{diary.iso[invoice.due]}"'
    if diary.chance(0.3):
        terms = _instalments(diary, invoice)
    diary.tell(
        "invoice.terms_changed",
        invoice.account,
        f'"invoice":"{invoice.invoice}","version":{invoice.terms_version},"date":"{diary.iso[diary.today]}",{terms}',
    )


def _dun(diary: Diary, invoice: Invoice) -> None:
    """Two weeks late: sometimes a fee or interest, sometimes the account is blocked."""
    if not invoice.open or invoice.disputed:
        return
    if diary.chance(0.15):
        kind = ("fee", "interest", "debit_memo")[diary.between(0, 2)]
        charge = max(invoice.currency.minor(5.0), invoice.open // 100)
        posted = _tell(diary, invoice.account, invoice.currency, charge, kind, [], "")
        diary.later(diary.between(10, 60), pay, posted)
    block(diary, invoice.account)
