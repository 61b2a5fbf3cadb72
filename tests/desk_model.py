"""A small slow model of one account at the desk, written apart from the engine: what it was told, and what it may still commit at an instant.

Money is in cents, instants are microseconds. All that it is told is dated on the day it is told.
"""

from dataclasses import dataclass, field


@dataclass
class Held:
    """Credit that is held for an order: ``knew`` is the version of the order told by then, ``until`` is ``None`` where time never ends it."""

    amount: int
    until: int | None
    knew: int
    decision: str
    is_settled: bool = False
    is_released: bool = False


@dataclass
class Order:
    """``version`` 0: nothing was told of it yet."""

    version: int = 0
    value: int = 0
    is_closed: bool = False
    invoiced: int = 0
    held: Held | None = None

    @property
    def open(self) -> int:
        return 0 if self.is_closed else max(self.value - self.invoiced, 0)

    def state(self, now: int) -> str | None:
        """How the newest reservation stands."""
        held = self.held
        if held is None:
            return None
        if held.is_released:
            return "released"
        if self.version > held.knew:
            return "confirmed"
        if held.is_settled:
            return "settled"
        return "expired" if held.until is not None and held.until <= now else "reserved"

    def reserved(self, now: int) -> int:
        if self.held is None or self.state(now) not in ("reserved", "settled"):
            return 0
        return max(self.held.amount - self.invoiced - self.open, 0)


@dataclass
class Verdict:
    """``is_smaller``: it takes less than the order has already, and is never refused."""

    before: int
    after: int
    reasons: list[str]
    is_smaller: bool


@dataclass
class Model:
    """``limits`` by their numbers: the day and instant they were told, who told, and how much; the last of them counts."""

    orders: dict[str, Order]
    invoices: dict[str, int] = field(default_factory=dict)
    unapplied: int = 0
    limits: dict[str, tuple[str, int, str, int]] = field(default_factory=dict)
    released: list[tuple[str, int, list[str]]] = field(default_factory=list)

    @property
    def limit(self) -> int:
        return max(self.limits.values())[3] if self.limits else 0

    def parts(self, now: int) -> dict[str, int]:
        orders = self.orders.values()
        parts = {
            "orders": sum(order.open for order in orders),
            "receivables": sum(self.invoices.values()),
            "unapplied": -self.unapplied,
            "reserved": sum(order.reserved(now) for order in orders),
        }
        return {**parts, "total": sum(parts.values())}

    def held_already(self, number: str, amount: int, until: int | None, now: int) -> str | None:
        """The decision that holds just this."""
        order = self.orders[number]
        is_the_same = order.held is not None and order.state(now) == "reserved" and (order.held.amount, order.held.until) == (amount, until)
        return order.held.decision if order.held and is_the_same else None

    def verdict(self, number: str, amount: int, now: int) -> Verdict:
        """Without releases."""
        order, before = self.orders[number], self.parts(now)["total"]
        counts_now, left = order.open + order.reserved(now), max(amount - order.invoiced, 0)
        after = before - counts_now + left
        is_smaller = left < counts_now
        is_over = not is_smaller and after > self.limit
        return Verdict(before, after, ["over_limit" if self.limit else "no_limit"] if is_over else [], is_smaller)

    def is_released(self, number: str, amount: int, reasons: list[str]) -> bool:
        return any(number == order and amount <= most and {*reasons} <= {*covered} for order, most, covered in self.released)
