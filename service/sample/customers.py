"""The customers of the sample: who they are, how they pay, and who of them orders today.

The account of rank r orders with a chance in proportion to r ** -skew. Seasonal accounts order more in their three
busy months and less in the others, the same over a year.
"""

from bisect import bisect
from collections import deque
from dataclasses import dataclass, field
from itertools import accumulate
from math import gcd
from typing import TYPE_CHECKING

from service.sample.currencies import Currency, Market
from service.sample.diary import Diary

if TYPE_CHECKING:
    from service.sample.documents import Invoice, Item

NAMES = "Adler Bergmann Castellan Dubois Eriksen Fontana García Hansen Ivanova Jansen Kowalski Lindqvist Müller Novák"
TRADES = "Bau Chemicals Drinks Electro Foods Glass Handel Logistics Metals Optics Papier Retail Stahl Textiles"
FORMS = {
    "DE": "GmbH", "FR": "SARL", "NL": "B.V.", "US": "Inc.",
    "GB": "Ltd", "PL": "Sp. z o.o.", "JP": "K.K.", "KW": "W.L.L.",
}  # fmt: skip
ZONES = {
    "DE": "Europe/Berlin", "FR": "Europe/Paris", "NL": "Europe/Amsterdam", "US": "America/New_York",
    "GB": "Europe/London", "PL": "Europe/Warsaw", "JP": "Asia/Tokyo", "KW": "Asia/Kuwait",
}  # fmt: skip
COUNTRIES = {"EUR": "DE DE FR NL", "USD": "US", "GBP": "GB", "PLN": "PL", "JPY": "JP", "KWD": "KW"}
SEGMENTS = ("key", "industry", "trade", "retail", "public")
SEASONAL_OF_20 = 3
BUSY, QUIET = 2.5, 0.5  # 3 busy and 9 quiet months: the mean is 1
# risk class: how many of ten accounts, days after due they pay, share of invoices they never pay
PAYING = {"A": (4, -3, 0.005), "B": (3, 2, 0.008), "C": (2, 14, 0.016), "D": (1, 35, 0.04)}
CLASSES = "".join(name * many for name, (many, _, _) in PAYING.items())


@dataclass(slots=True, eq=False)
class Account:
    subject: str
    source: str
    name: str
    country: str
    segment: str
    risk: str
    currency: Currency
    foreign: Currency | None  # some of its documents are in this one
    orders_per_day: float
    order_euro: float  # the mean value of an order
    terms: int  # days from invoice to due
    discounts: bool  # pays early for a discount
    lumps: bool  # pays many invoices at once
    collective: bool  # is invoiced weekly over all deliveries
    parent: str = ""
    version: int = 1
    blocks: int = 0
    blocked: bool = False
    uninvoiced: list["Item"] = field(default_factory=list)
    unpaid: deque["Invoice"] = field(default_factory=deque)

    @property
    def usual_exposure(self) -> float:
        """In euro: what 20 days of orders and deliveries and the days to payment keep open."""
        return self.order_euro * (0.5 + self.orders_per_day * (20 + self.terms + max(0, PAYING[self.risk][1])))


class Customers:
    def __init__(self, market: Market, accounts: int, skew: float, orders_per_day: float) -> None:
        self._market = market
        self._weights = [rank**-skew for rank in range(1, accounts + 1)]
        self._orders_per_day = orders_per_day / sum(self._weights)
        self._stride = next(n for n in range(max(1, accounts * 5 // 8), 2 * accounts + 1) if gcd(n, accounts) == 1)
        self._known: dict[int, Account] = {}
        self._heads: list[str] = []
        self._month = -1
        self._wheel: list[float] = []

    def draw(self, diary: Diary) -> tuple[Account, bool]:
        """Who orders, and whether this is the first time."""
        rank = bisect(self._wheel, diary.random() * self._wheel[-1], 0, len(self._wheel) - 1)
        account = self._known.get(rank)
        if account is not None:
            return account, False
        account = self._known[rank] = self._invent(diary, rank)
        return account, True

    def turn_month(self, month: int) -> None:
        if month != self._month:
            self._month = month
            self._wheel = list(accumulate(w * season(rank, month) for rank, w in enumerate(self._weights)))

    def _invent(self, diary: Diary, rank: int) -> Account:
        one = int(diary.random() * 196)
        currency = self._market.draw(diary)
        countries = COUNTRIES[currency.subject].split()
        country = countries[diary.between(0, len(countries) - 1)]
        account = Account(
            subject=f"C-{1001 + rank * self._stride % len(self._weights)}",
            source=("/erp/1000", "/erp/2000", "/erp/3000")[rank % 3],
            name=f"{NAMES.split()[one // 14]} {TRADES.split()[one % 14]} {FORMS[country]}",
            country=country,
            segment=SEGMENTS[diary.between(0, 4)],
            risk=CLASSES[diary.between(0, 9)],
            currency=currency,
            foreign=self._foreign(diary, currency),
            orders_per_day=self._orders_per_day * self._weights[rank],
            order_euro=200.0 * 2 ** (diary.random() * 7),
            terms=(14, 30, 30, 30, 45, 60)[diary.between(0, 5)],
            discounts=diary.chance(0.15),
            lumps=diary.chance(0.2),
            collective=diary.chance(0.25),
        )
        if self._heads and diary.chance(0.08):
            account.parent = self._heads[int(diary.random() * len(self._heads))]
        elif len(self._heads) < 1000:
            self._heads.append(account.subject)
        self._market.use(diary, currency)
        return account

    def _foreign(self, diary: Diary, currency: Currency) -> Currency | None:
        """Rates are quoted in euro, so one of the two currencies always is the euro."""
        if not diary.chance(0.12):
            return None
        if currency is not self._market.euro:
            return self._market.euro
        other = self._market.currencies[diary.between(1, len(self._market.currencies) - 1)]
        self._market.use(diary, other)
        return other


def season(rank: int, month: int) -> float:
    """How much busier than usual the account of this rank is in this month (0 to 11)."""
    scattered = rank * 2654435761 >> 7
    if scattered % 20 >= SEASONAL_OF_20:
        return 1.0
    return BUSY if (month - scattered // 20) % 12 < 3 else QUIET


def tell_customer(diary: Diary, account: Account) -> None:
    more = f'"parent":"{account.parent}",' if account.parent else ""
    if account.segment == "key":
        more += '"account_manager":"m.sanders",'
    diary.tell(
        "customer.changed",
        account,
        f'"version":{account.version},"date":"{diary.iso[diary.today]}","name":"{account.name}",{more}'
        f'"currency":"{account.currency.subject}","timezone":"{ZONES[account.country]}","segment":"{account.segment}",'
        f'"risk_class":"{account.risk}","country":"{account.country}"',
    )
