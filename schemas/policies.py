"""Credit policy as plain data: what counts, what is asked of whom, who may approve what, and which version says so.

Money is decimal text in the policy's currency and is converted at the day's rate when an account is judged. A class says all of its rules:
nothing is inherited from another class.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from schemas.dunning import Dunning, dunning_of
from schemas.facts import Data

CATEGORIES = ("orders", "deliveries", "receivables", "unapplied", "reserved")
REFUSE, WARN = "refuse", "warn"
ADDS, OFF, SHOWN = "adds_to_limit", "off_exposure", "shown_only"
PASSES, FIRES = "passes", "fires"
"""What an exposure of exactly the limit does."""
SEVERITY = {
    "near_limit": "low",
    "over_limit": "high",
    "overdue": "medium",
    "overpaid": "low",
    "payment_returned": "high",
    "promise_broken": "high",
    "over_invoiced": "medium",
    "limit_expired": "medium",
    "protection_expired": "medium",
    "oldest_open_item": "medium",
    "review_due": "low",
    "large_order": "medium",
    "score_fall": "high",
    "slow_payment": "medium",
    "concentration": "medium",
}
"""How serious each alert is, where a policy does not say it otherwise."""


class Overdue(NamedTuple):
    """Fires where more than ``tolerance`` (``None``: anything) is more than ``days`` days overdue; ``disputed`` says whether disputed parts count."""

    days: int
    tolerance: str | None = None
    disputed: bool = False
    effect: str = REFUSE


class OldestOpenItem(NamedTuple):
    """Fires where an open item with an undisputed part is more than ``days`` days old, counted from its date."""

    days: int
    effect: str = REFUSE


class LargestOrder(NamedTuple):
    """Fires where a single order is worth more than ``amount``."""

    amount: str
    effect: str = REFUSE


class DunningLevel(NamedTuple):
    """Fires where the customer's dunning level lies above ``above``."""

    above: int
    effect: str = REFUSE


class Prepayment(NamedTuple):
    """Fires where less than ``share`` of what is ordered or delivered and not invoiced was paid before."""

    share: str = "1.0000"
    effect: str = REFUSE


class PaymentTerm(NamedTuple):
    """Fires where an open item falls due more than ``days`` days after its date."""

    days: int
    effect: str = WARN


class Protection(NamedTuple):
    """How each kind of protection counts."""

    insurance: str = SHOWN
    guarantee: str = SHOWN
    collateral: str = SHOWN


class SlowPayment(NamedTuple):
    """What was cleared in the last ``recent_days`` was so many ``days`` later than that of the ``before_days`` before; ``items`` in each."""

    days: int
    recent_days: int = 90
    before_days: int = 365
    items: int = 3

    @property
    def looks_back(self) -> int:
        return self.recent_days + self.before_days


class Alerts(NamedTuple):
    """Utilisation from which an account is near its limit, and below which that is over again; and what is told beyond the contract: open items
    and limits older than so many days, orders worth more than an amount, a risk class that got worse along an order (the best one first), an account
    that pays more slowly (as ``SlowPayment`` has it), one that owes at least a share of the portfolio as it was measured (``concentration``).

    ``severity`` says it of a rule where it is another than by default.
    """

    near_limit: str = "0.9000"
    clear_below: str = "0.9000"
    oldest_open_item_days: int | None = None
    review_due_days: int | None = None
    large_order: str | None = None
    score_falls_along: Sequence[str] = ()
    severity: Mapping[str, str] = MappingProxyType({})
    slow_payment: Mapping[str, int] | None = None
    concentration: str | None = None

    @property
    def slowing(self) -> SlowPayment | None:
        return None if self.slow_payment is None else SlowPayment(**self.slow_payment)


class Measure(NamedTuple):
    """What is to be done about an alert by the rule ``on`` (of a ``step`` or a ``severity``, where told): one of ``schemas/measures.py``.

    A limit is lowered to a ``share`` of the one in force, or ``to_exposure``. It ends by itself after ``days``. ``alone``: nobody is asked."""

    on: str
    take: str
    step: int | None = None
    severity: str | None = None
    share: str | None = None
    to_exposure: bool = False
    days: int | None = None
    alone: bool = False


class Rules(NamedTuple):
    """The rules of one class of accounts; ``policy`` is the version that says so, ``limit`` that of accounts for which none was ever set."""

    policy: str
    currency: str | None
    risk_class: str | None = None
    segment: str | None = None
    counts: tuple[str, ...] = CATEGORIES
    at_limit: str = PASSES
    over_limit: str = REFUSE
    horizon_days: int | None = None
    limit: str | None = None
    protection: Protection = Protection()
    alerts: Alerts = Alerts()
    overdue: Overdue | None = None
    oldest_open_item: OldestOpenItem | None = None
    largest_order: LargestOrder | None = None
    dunning_level: DunningLevel | None = None
    prepayment: Prepayment | None = None
    payment_term: PaymentTerm | None = None
    dunning: Dunning | None = None
    measures: tuple[Measure, ...] = ()

    @property
    def name(self) -> str:
        told = [f"{kind} {of}" for kind, of in (("risk class", self.risk_class), ("segment", self.segment)) if of is not None]
        return ", ".join(told) or "all others"


class Authority(NamedTuple):
    """Who may approve limits, and release held orders, up to which amounts of ``currency``; ``None`` is not at all. And which ``measures``."""

    who: str
    limits_up_to: str | None
    releases_up_to: str | None
    currency: str
    measures: tuple[str, ...] = ()


class ApprovalLevel(NamedTuple):
    """A limit above this amount needs so many different approvers."""

    above: str
    approvers: int


class Policy(NamedTuple):
    """One version of a policy. A release of more than ``four_eyes_above`` needs a second person; a reservation ends by itself after
    ``reservation_hours``."""

    version: str
    name: str
    currency: str | None
    classes: tuple[Rules, ...]
    authority: tuple[Authority, ...] = ()
    approval_levels: tuple[ApprovalLevel, ...] = ()
    four_eyes_above: str | None = None
    reservation_hours: int | None = None

    def rules_for(self, risk_class: str | None, segment: str | None) -> Rules:
        """The most specific class wins: risk class and segment, risk class, segment, all others."""
        fitting = [rules for rules in self.classes if rules.risk_class in (None, risk_class) and rules.segment in (None, segment)]
        return max(fitting, key=lambda rules: (rules.risk_class is not None, rules.segment is not None))


DEFAULT = Policy("default", "the contract", None, (Rules("default", None),))
"""Nothing but what the contract says."""

PARTS: dict[str, Any] = {
    "protection": Protection,
    "alerts": Alerts,
    "overdue": Overdue,
    "oldest_open_item": OldestOpenItem,
    "largest_order": LargestOrder,
    "dunning_level": DunningLevel,
    "prepayment": Prepayment,
    "payment_term": PaymentTerm,
    "dunning": dunning_of,
}
OF_THE_POLICY = ("policy", "currency")
"""What the rules of a class repeat of their policy."""


def policy_of(content: Data, version: str) -> Policy:
    """The policy that ``content`` says, in the spelling of ``content_of``; what it leaves out is as by default."""
    currency = content["currency"]
    return Policy(
        version,
        content["name"],
        currency,
        tuple(
            sorted((rules_of(told, version, currency) for told in content["class"]), key=lambda rules: (rules.risk_class or "", rules.segment or ""))
        ),
        tuple(sorted(authority_of(told, currency) for told in content.get("authority", ()))),
        tuple(ApprovalLevel(**told) for told in content.get("approval_levels", ())),
        content.get("four_eyes_above"),
        content.get("reservation_hours"),
    )


def authority_of(told: Data, currency: str) -> Authority:
    measures = tuple(sorted(set(told.get("measures", ()))))
    return Authority(**{"limits_up_to": None, "releases_up_to": None, "currency": currency, **told, "measures": measures})


def rules_of(told: Data, version: str, currency: str) -> Rules:
    plain = {name: value for name, value in told.items() if name not in PARTS and name not in ("counts", "measures")}
    parts = {name: PARTS[name](**value) for name, value in told.items() if name in PARTS}
    counts = tuple(name for name in CATEGORIES if name in told.get("counts", CATEGORIES))
    measures = sorted((Measure(**one) for one in told.get("measures", ())), key=lambda one: (one.on, one.take, one.step or 0, one.severity or ""))
    return Rules(version, currency, counts=counts, measures=tuple(measures), **plain, **parts)


def content_of(policy: Policy) -> Data:
    """What a policy says and nothing that is as by default, so that a newer engine with more rules finds the same content in an old policy."""
    told: Data = {"name": policy.name, "currency": policy.currency, "class": [class_content(rules) for rules in policy.classes]}
    if policy.authority:
        told["authority"] = [{name: value for name, value in differing(one).items() if value is not None} for one in policy.authority]
    if policy.approval_levels:
        told["approval_levels"] = [level._asdict() for level in policy.approval_levels]
    rest = {"four_eyes_above": policy.four_eyes_above, "reservation_hours": policy.reservation_hours}
    return told | {name: value for name, value in rest.items() if value is not None}


def class_content(rules: Rules) -> Data:
    """One class as its content says it."""
    return {name: value for name, value in differing(rules).items() if name not in OF_THE_POLICY}


def differing(part: Any) -> Data:
    """What a part says otherwise than by default."""
    defaults = part._field_defaults
    return {name: spelled(value) for name, value in part._asdict().items() if name not in defaults or value != defaults[name]}


def spelled(value: Any) -> Any:
    """A value as content has it: parts of a part are spelled like the part."""
    if hasattr(value, "_fields"):
        return differing(value)
    return [spelled(one) for one in value] if isinstance(value, tuple) else value
