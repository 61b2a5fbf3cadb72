"""Who may say yes to a limit, a measure or the release of a held order: never who asked for it, and under a policy with authorities only who has one.

Everyone whose yes counts has authority for the whole amount. Where a policy names nobody, anybody but who asked may say yes: four eyes.
"""

from typing import NamedTuple
from unicodedata import normalize

from schemas.amounts import minor
from schemas.facts import HoldReleased, OrderChecked
from schemas.policies import Policy

UNLIMITED = "unlimited"
RELEASED = "released"

Worth = dict[str, int]
"""One amount in several currencies, in minor units of each; a currency to which no rate is known is missing."""


class Asked(NamedTuple):
    """What somebody asked for: ``worth`` is ``None`` where it has no bounds, ``agreed`` are those who said yes so far."""

    by: str
    worth: Worth | None
    agreed: tuple[str, ...] = ()
    is_settled: bool = False


class Power(NamedTuple):
    """Up to which amount of ``currency`` somebody may say yes; not at all where it is ``None``."""

    who: str
    up_to: str | None
    currency: str


class Refused(NamedTuple):
    """``code`` stays for ever, ``why`` is for people."""

    code: str
    why: str


class Agreed(NamedTuple):
    """A yes that counts; so many more are ``missing`` behind it."""

    missing: int

    @property
    def is_final(self) -> bool:
        return self.missing <= 0


Answer = Refused | Agreed
TWICE = Refused("twice", "said yes already: a second one of the same person does not count")
SETTLED = Refused("settled", "it is settled already")
OWN = Refused("own_request", "nobody says yes or no to what they asked for; where a machine asked under your name, give it one of its own")
NOT_IN_FORCE = Refused("not_in_force", "it is not in force: there is nothing to lift")
NOT_OWN = Refused("not_own_request", "only who asked for it takes it back")


def limit_approved(asked: Asked, who: str, policy: Policy) -> Answer:
    """What a yes to a limit is worth."""
    return answered(asked, who, limit_powers(policy), policy, approvers_needed(asked.worth, policy))


def release_approved(asked: Asked, who: str, policy: Policy) -> Answer:
    """What a yes to a release is worth."""
    return answered(asked, who, release_powers(policy), policy, releasers_needed(asked.worth, policy))


def limit_rejected(asked: Asked, who: str, policy: Policy) -> Refused | None:
    """Who may approve any limit may reject every one; who asked withdraws it instead."""
    if asked.is_settled:
        return SETTLED
    if same(who, asked.by):
        return OWN
    return None if not policy.authority or powers_of(who, limit_powers(policy)) else nobody_said(who)


def correcting_refused(who: str, policy: Policy) -> Refused | None:
    """Who has any authority may correct what was told: it is no credit that is given, and what it changes is seen in every figure."""
    powers = [*limit_powers(policy), *release_powers(policy)]
    return None if not policy.authority or powers_of(who, powers) else nobody_said(who)


def limit_withdrawn(asked: Asked, who: str) -> Refused | None:
    if asked.is_settled:
        return SETTLED
    return None if same(who, asked.by) else NOT_OWN


def measure_approved(asked: Asked, who: str, take: str, policy: Policy) -> Answer:
    """One yes is enough."""
    return said_before(asked, who) or (Agreed(0) if may_take(who, take, policy) else nobody_said(who))


def measure_rejected(asked: Asked, who: str, take: str, policy: Policy) -> Refused | None:
    """Who proposed it takes it back so."""
    if asked.is_settled:
        return SETTLED
    return None if same(who, asked.by) or may_take(who, take, policy) else nobody_said(who)


def measure_lifted(who: str, take: str, policy: Policy, *, is_in_force: bool) -> Refused | None:
    if not is_in_force:
        return NOT_IN_FORCE
    return None if may_take(who, take, policy) else nobody_said(who)


def may_take(who: str, take: str, policy: Policy) -> bool:
    return not policy.authority or any(same(one.who, who) and take in one.measures for one in policy.authority)


def said_before(asked: Asked, who: str) -> Refused | None:
    """Why a yes is worth nothing, whatever authority they have who say it."""
    if any(same(who, one) for one in asked.agreed):
        return TWICE
    if asked.is_settled:
        return SETTLED
    return OWN if same(who, asked.by) else None


def answered(asked: Asked, who: str, powers: list[Power], policy: Policy, needed: int | Refused) -> Answer:
    if refused := said_before(asked, who):
        return refused
    if policy.authority and (refused := unauthorised(asked.worth, who, powers, policy)):
        return refused
    return needed if isinstance(needed, Refused) else Agreed(needed - len(asked.agreed) - 1)


def unauthorised(worth: Worth | None, who: str, powers: list[Power], policy: Policy) -> Refused | None:
    mine = powers_of(who, powers)
    if not mine:
        return nobody_said(who)
    if any(reaches(power, worth, policy) for power in mine):
        return None
    unknown = [power.currency for power in mine if worth is not None and power.currency not in worth]
    if unknown:
        return no_rate(unknown[0])
    most = ", ".join(f"{power.up_to} {power.currency}" for power in mine)
    return Refused("above_authority", f"the policy lets {who} say yes up to {most}")


def reaches(power: Power, worth: Worth | None, policy: Policy) -> bool:
    """What has no bounds needs authority without bounds, or one beyond the highest level of approval."""
    assert power.up_to is not None
    if power.up_to == UNLIMITED:
        return True
    most = minor(power.up_to, power.currency)
    if worth is None:
        levels = policy.approval_levels if power.currency == policy.currency else ()
        return bool(levels) and most > minor(levels[-1].above, power.currency)
    return power.currency in worth and worth[power.currency] <= most


def approvers_needed(worth: Worth | None, policy: Policy) -> int | Refused:
    """By the highest level that a limit lies above; one where the policy has no levels."""
    if not policy.approval_levels:
        return 1
    currency = str(policy.currency)
    if worth is not None and currency not in worth:
        return no_rate(currency)
    reached = [level.approvers for level in policy.approval_levels if worth is None or worth[currency] > minor(level.above, currency)]
    return max(reached, default=1)


def releasers_needed(worth: Worth | None, policy: Policy) -> int | Refused:
    if policy.four_eyes_above is None or worth is None:
        return 1
    currency = str(policy.currency)
    if currency not in worth:
        return no_rate(currency)
    return 2 if worth[currency] > minor(policy.four_eyes_above, currency) else 1


def limit_powers(policy: Policy) -> list[Power]:
    return [Power(one.who, one.limits_up_to, one.currency) for one in policy.authority]


def release_powers(policy: Policy) -> list[Power]:
    return [Power(one.who, one.releases_up_to, one.currency) for one in policy.authority]


def powers_of(who: str, powers: list[Power]) -> list[Power]:
    return [power for power in powers if power.up_to is not None and same(power.who, who)]


def currencies_of(policy: Policy) -> set[str]:
    """The currencies in which authority and levels are said."""
    return {one.currency for one in policy.authority} | ({policy.currency} if policy.currency else set())


def may_still_agree(asked: Asked, powers: list[Power], policy: Policy) -> list[str]:
    """Those named by the policy whose yes would count."""
    return [power.who for power in powers if isinstance(answered(asked, power.who, powers, policy, 1), Agreed)]


def same(one: str, other: str) -> bool:
    """Whether two names are one person's: spelling them larger or wider makes nobody a second pair of eyes."""
    return plain(one) == plain(other)


def plain(name: str) -> str:
    return " ".join(normalize("NFKC", name).casefold().split())


def nobody_said(who: str) -> Refused:
    return Refused("no_authority", f"the policy gives {who} no authority for it")


def no_rate(currency: str) -> Refused:
    return Refused("no_rate", f"the policy says its amounts in {currency}, and there is no rate to it on that day")


def covers(release: HoldReleased, decision: OrderChecked) -> bool:
    """A release covers its order up to its amount, in its currency, and what the order was held for; nothing else that fires later."""
    is_its_order = (release.account, release.order, release.currency) == (decision.account, decision.order, decision.currency)
    return (
        is_its_order
        and minor(decision.amount, decision.currency) <= minor(release.amount, release.currency)
        and {*decision.reasons} <= {*release.reasons}
    )


def let_through(decision: OrderChecked, release: HoldReleased) -> OrderChecked:
    """A held decision as the release makes it: what fired is still told, and holds nothing."""
    told = [{**finding, "effect": RELEASED} if finding["rule"] in decision.reasons else finding for finding in decision.findings]
    untold = [rule for rule in decision.reasons if rule not in {finding["rule"] for finding in decision.findings}]
    findings = [*told, *({"rule": rule, "effect": RELEASED} for rule in untold)]
    return decision._replace(decision="approved", reasons=[], findings=findings, released=release.decision_id)
