"""Orders of the sample and their deliveries: confirmed, amended, delivered in parts, taken back, closed."""

from service.sample.customers import Account
from service.sample.diary import Diary
from service.sample.documents import Item, Line, Order, close, quantity
from service.sample.invoices import bill, post_down_payment


def place(diary: Diary, account: Account) -> None:
    """An order and the plan of what becomes of it; one time in a hundred goods go out with no order at all."""
    if diary.chance(0.01):
        _deliver_without_order(diary, account)
        return
    foreign = account.foreign
    currency = foreign if foreign is not None and diary.chance(0.3) else account.currency
    by_quantity = diary.chance(0.45)
    mean = currency.minor(account.order_euro)
    many = (1, 1, 1, 2, 2, 3, 4)[int(diary.random() * 7)]
    lines = [_line(diary, str(n + 1), by_quantity, mean // many) for n in range(many)]
    days = diary.between(2, 14)
    order = Order(diary.number("O"), account, currency, diary.posting_day(0), diary.today + days, lines)
    _tell_text(diary, "order.confirmed", order)
    luck = diary.random()
    if luck < 0.03:
        diary.later(days, _cancel, order)
        return
    if luck < 0.13:
        diary.later(diary.between(1, days), _amend, order)
    elif luck < 0.15 and not by_quantity:
        _prepay(diary, order)
    elif luck > 0.92:
        diary.later(days, _serve, order)
        return
    diary.later(days, deliver, order)


def _line(diary: Diary, line: str, by_quantity: bool, mean: int) -> Line:
    value = max(10, int(mean * (0.4 + 1.2 * diary.random())))
    if not by_quantity:
        return Line(line, 0, value, value)
    units = (1, 2, 5, 10, 12, 24, 40, 100, 144, 500)[int(diary.random() * 10)]
    price = max(10, value // units // 10 * 10)
    size = units * 10 + (5 if diary.chance(0.1) else 0)
    return Line(line, price, size, size)


def _tell_text(diary: Diary, kind: str, order: Order) -> None:
    requested = diary.iso[order.requested]
    money = order.currency.money
    lines = ",".join(
        f'{{"line":"{n.line}","quantity":"{quantity(n.size)}","unit_price":"{money(n.price)}","requested":"{requested}"}}'
        if n.price
        else f'{{"line":"{n.line}","value":"{money(n.size)}","requested":"{requested}"}}'
        for n in order.lines
    )
    diary.tell(
        kind,
        order.account,
        f'"order":"{order.order}","version":{order.version},"date":"{diary.iso[order.date]}","currency":"{order.currency.subject}","lines":[{lines}]',
    )


def _amend(diary: Diary, order: Order) -> None:
    """More or less of what is not delivered, a line less or a line more; mostly once."""
    waiting = [n for n in order.lines if n.left]
    if order.closed or not waiting:
        return
    line = waiting[diary.between(0, len(waiting) - 1)]
    if len(order.lines) > 1 and line.left == line.size and not line.prepaid and diary.chance(0.2):
        order.lines.remove(line)
    elif diary.chance(0.2):
        order.lines.append(_line(diary, str(int(order.lines[-1].line) + 1), bool(line.price), line.worth(line.size)))
    else:
        more = max(10, int(line.left * (0.5 + diary.random())) // 10 * 10) - line.left
        line.size += more
        line.left += more
    order.version += 1
    order.date = diary.today
    _tell_text(diary, "order.amended", order)
    if diary.chance(0.15):
        diary.later(diary.between(1, 4), _amend, order)


def _prepay(diary: Diary, order: Order) -> None:
    for line in order.lines:
        line.prepaid = line.size * 3 // 10
    items = [Item(order, n, n.prepaid) for n in order.lines if n.prepaid]
    post_down_payment(diary, order.account, order.currency, items)


def _cancel(diary: Diary, order: Order) -> None:
    """One cancelled in five is opened again and delivered."""
    close(diary, order, "cancelled")
    if diary.chance(0.2):
        diary.later(diary.between(1, 9), _reopen, order)


def _reopen(diary: Diary, order: Order) -> None:
    order.closed = False
    order.version += 1
    diary.tell(
        "order.reopened",
        order.account,
        f'"order":"{order.order}","version":{order.version},"date":"{diary.iso[diary.today]}"',
    )
    diary.later(diary.between(2, 9), deliver, order)


def _complete(diary: Diary, order: Order) -> None:
    if not any(n.left for n in order.lines):
        close(diary, order, "completed")


def _serve(diary: Diary, order: Order) -> None:
    """A service: invoiced from the order, with no delivery."""
    bill(diary, order.account, order.currency, [Item(order, n, n.left) for n in order.lines])
    for line in order.lines:
        line.left = 0
    diary.later(diary.between(1, 9), _complete, order)


def deliver(diary: Diary, order: Order) -> None:
    """All that is left, or a part of it and the rest later."""
    if order.closed:
        return
    part = diary.random() if diary.chance(0.48) else 1.0
    delivery = diary.number("D")
    items = []
    for line in order.lines:
        size = line.left if part == 1.0 else int(line.left * part) // 10 * 10
        if size:
            line.left -= size
            items.append(Item(order, line, size, delivery))
    rest = any(n.left for n in order.lines)
    if rest:
        diary.later(diary.between(2, 14), deliver, order)
    if not items:
        return
    date = diary.posting_day(order.date)
    _tell_delivery(diary, order, delivery, date, items)
    if diary.chance(0.015):
        diary.later(diary.between(1, 3), _take_back, order, delivery, items)
        return
    diary.later(diary.between(0, 5), bill, order.account, order.currency, items)
    if not rest and diary.chance(0.65):
        diary.later(diary.between(3, 15), _complete, order)


def _tell_delivery(diary: Diary, order: Order, delivery: str, date: int, items: list[Item]) -> None:
    lines = ",".join(f'{{"order":"{order.order}","line":"{i.line.line}",{i.told(order.currency)}}}' for i in items)
    diary.tell(
        "delivery.posted",
        order.account,
        f'"delivery":"{delivery}","date":"{diary.iso[date]}","currency":"{order.currency.subject}","lines":[{lines}]',
    )


def _deliver_without_order(diary: Diary, account: Account) -> None:
    size = account.currency.minor(account.order_euro * diary.random())
    item = Item(None, Line("", 0, size, 0), size, diary.number("D"))
    diary.tell(
        "delivery.posted",
        account,
        f'"delivery":"{item.delivery}","date":"{diary.iso[diary.today]}","currency":"{account.currency.subject}",'
        f'"lines":[{{{item.told(account.currency)}}}]',
    )
    diary.later(diary.between(1, 8), bill, account, account.currency, [item])


def _take_back(diary: Diary, order: Order, delivery: str, items: list[Item]) -> None:
    """A delivery posted by mistake: reversed before any invoice, and delivered again."""
    diary.tell("delivery.reversed", order.account, f'"delivery":"{delivery}","date":"{diary.iso[diary.today]}"')
    for item in items:
        item.line.left += item.size
    diary.later(diary.between(1, 6), deliver, order)
