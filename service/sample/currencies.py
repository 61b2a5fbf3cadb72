"""The currencies of the sample and their weekly rates, each quoted in euro.

Amounts are whole minor units (cents, fils, yen) everywhere in the sample, and become decimal strings here alone.
"""

from dataclasses import dataclass, field

from service.sample.diary import Diary

# code, decimals, euro for one, how many accounts of a hundred keep their books in it
STARTING = (
    ("EUR", 2, 1.0, 62),
    ("USD", 2, 0.905, 14),
    ("GBP", 2, 1.153, 9),
    ("PLN", 2, 0.2301, 7),
    ("JPY", 0, 0.00641, 5),
    ("KWD", 3, 2.945, 3),
)


@dataclass(slots=True)
class Currency:
    subject: str  # its code: a rate's subject is its base currency
    decimals: int
    rate: float  # euro for one
    source: str = "/erp/1000"
    used: bool = False
    units: int = field(init=False)  # minor units of one

    def __post_init__(self) -> None:
        self.units = (1, 10, 100, 1000)[self.decimals]

    def money(self, minor: int) -> str:
        if self.decimals == 2:
            return f"{minor // 100}.{minor % 100:02d}"
        return f"{minor // 1000}.{minor % 1000:03d}" if self.decimals else str(minor)

    def minor(self, euro: float) -> int:
        return max(1, round(euro / self.rate * self.units))

    def euro(self, minor: int) -> float:
        return minor * self.rate / self.units


class Market:
    """Publishes the rate of a currency when it is first used, and every so many weeks from then on."""

    def __init__(self, weeks: int) -> None:
        self.currencies = [Currency(code, decimals, rate) for code, decimals, rate, _ in STARTING]
        self.euro = self.currencies[0]
        self._weeks = weeks
        self._wheel = [c for c, start in zip(self.currencies, STARTING, strict=True) for _ in range(start[3])]

    def draw(self, diary: Diary) -> Currency:
        return self._wheel[int(diary.random() * len(self._wheel))]

    def use(self, diary: Diary, currency: Currency) -> None:
        """The first rate is a week old, so that late postings find one too."""
        if currency is self.euro or currency.used:
            return
        currency.used = True
        self._publish(diary, currency, max(0, diary.today - 7))

    def publish_weekly(self, diary: Diary) -> None:
        if diary.today % (7 * self._weeks):
            return
        for currency in self.currencies:
            if currency.used:
                currency.rate *= 1 + (diary.random() - 0.5) * 0.02
                self._publish(diary, currency, diary.today)

    def _publish(self, diary: Diary, currency: Currency, day: int) -> None:
        diary.tell(
            "fx_rate.published",
            currency,
            f'"base":"{currency.subject}","quote":"EUR","rate":"{currency.rate:.6f}","date":"{diary.iso[day]}"',
        )
