"""The open documents of the sample: what is ordered, delivered, invoiced and paid so far; settled ones are let go."""

from dataclasses import dataclass
from typing import NamedTuple

from service.sample.currencies import Currency
from service.sample.customers import Account
from service.sample.diary import Diary


@dataclass(slots=True, eq=False)
class Line:
    line: str
    price: int  # minor units for one, a multiple of ten; 0: the line is ordered by value
    size: int  # tenths of a unit, or minor units where by value
    left: int  # what of the size is not delivered
    prepaid: int = 0  # what a down payment carries and no invoice has used up

    def worth(self, size: int) -> int:
        return size * self.price // 10 if self.price else size


@dataclass(slots=True, eq=False)
class Order:
    order: str
    account: Account
    currency: Currency
    date: int
    requested: int
    lines: list[Line]
    version: int = 1
    closed: bool = False


class Item(NamedTuple):
    """So much of an order line, as delivered or invoiced."""

    order: Order | None  # None: delivered without an order
    line: Line
    size: int
    delivery: str = ""

    def told(self, currency: Currency) -> str:
        if self.line.price:
            return f'"quantity":"{quantity(self.size)}"'
        return f'"value":"{currency.money(self.size)}"'

    def reference(self, currency: Currency, *, name_delivery: bool, final: bool = False) -> str:
        named = f'"order":"{self.order.order}","line":"{self.line.line}",' if self.order else ""
        if self.delivery and (name_delivery or not self.order):
            named += f'"delivery":"{self.delivery}",'
        last = ',"final":true' if final else ""
        return f"{{{named}{self.told(currency)}{last}}}"


@dataclass(slots=True, eq=False)
class Invoice:
    invoice: str
    account: Account
    currency: Currency
    amount: int
    open: int  # what no payment, credit note or write-off is on its way to clear
    date: int
    due: int
    items: list[Item]
    terms_version: int = 0
    disputed: bool = False


def quantity(tenths: int) -> str:
    return f"{tenths // 10}.{tenths % 10}" if tenths % 10 else str(tenths // 10)


def close(diary: Diary, order: Order, reason: str) -> None:
    """Closes an order that is not."""
    if order.closed:
        return
    order.closed = True
    order.version += 1
    diary.tell(
        "order.closed",
        order.account,
        f'"order":"{order.order}","version":{order.version},"date":"{diary.iso[diary.today]}","reason":"{reason}"',
    )
