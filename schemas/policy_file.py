"""The door for a credit policy: a TOML text becomes a validated ``Policy``, or every reason why it is none, one a line.

Law: the version is a digest of what the policy says. Comments, the order of its classes and the spelling of its amounts change nothing.
"""

import tomllib
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from schemas.amounts import scaled
from schemas.facts import Data
from schemas.measures import LOWER_LIMIT
from schemas.policies import Policy, policy_of
from schemas.policy_text import versioned
from schemas.policy_words import (
    AMOUNT,
    AlertRule,
    AtLeast,
    Category,
    Counting,
    Currency,
    Day,
    Days,
    Effect,
    Money,
    Name,
    PerCent,
    Points,
    Section,
    Severity,
    Share,
    Take,
    Tolerance,
    UpTo,
)


class PolicyError(ValueError):
    """The file is no policy: each line of the message says where, what, and what to do."""


class OverdueRule(Section):
    days: Days
    tolerance: Tolerance | None = None
    disputed: bool | None = None
    effect: Effect | None = None


class OldestOpenItemRule(Section):
    days: Days
    effect: Effect | None = None


class LargestOrderRule(Section):
    amount: Money
    effect: Effect | None = None


class DunningLevelRule(Section):
    above: Annotated[int, Field(ge=0, le=8)]
    effect: Effect | None = None


class PrepaymentRule(Section):
    share: Share | None = None
    effect: Effect | None = None


class PaymentTermRule(Section):
    days: Days
    effect: Effect | None = None


class ProtectionRule(Section):
    insurance: Counting | None = None
    guarantee: Counting | None = None
    collateral: Counting | None = None


class SlowPaymentRule(Section):
    days: Annotated[int, Field(ge=1, le=3650)]
    recent_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    before_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    items: Annotated[int, Field(ge=1)] | None = None


class AlertRules(Section):
    near_limit: Share | None = None
    clear_below: Share | None = None
    oldest_open_item_days: Days | None = None
    review_due_days: Days | None = None
    large_order: Money | None = None
    score_falls_along: Annotated[list[Name], Field(min_length=2)] | None = None
    severity: dict[AlertRule, Severity] | None = None
    slow_payment: SlowPaymentRule | None = None
    concentration: Share | None = None

    @model_validator(mode="after")
    def _clears_below(self) -> Self:
        if (self.near_limit is None) != (self.clear_below is None):
            raise ValueError("near_limit and clear_below belong together: say both, or neither")
        if self.near_limit is not None and self.clear_below is not None and self.clear_below > self.near_limit:
            raise ValueError(
                f"clear_below {self.clear_below} lies above near_limit {self.near_limit}: an alert would clear as it is raised; lower it"
            )
        if len(set(self.score_falls_along or ())) < len(self.score_falls_along or ()):
            raise ValueError("score_falls_along names a risk class twice; take one out")
        return self


class DunningStepRule(Section):
    days: Annotated[int, Field(ge=1, le=3650)]
    name: Name
    channel: Name
    who: Name | None = None
    fee: Money | None = None
    legal: bool | None = None
    text: Annotated[str, Field(min_length=1, max_length=2000)] | None = None


class RateRule(Section):
    valid_from: Day
    per_cent: PerCent


class InterestRules(Section):
    rates: Annotated[list[RateRule], Field(min_length=1)]
    on_top: Points | None = None
    days: Literal["actual/365", "actual/360", "actual/actual", "30/360"] | None = None
    rounding: Literal["total", "daily"] | None = None
    from_level: Annotated[int, Field(ge=1, le=9)] | None = None


class FixedSumRule(Section):
    amount: Money
    at_least: AtLeast | None = None


class DunningRules(Section):
    levels: Annotated[list[DunningStepRule], Field(min_length=1, max_length=9)]
    interval_days: Annotated[int, Field(ge=1, le=365)] | None = None
    minimum: Tolerance | None = None
    interest: InterestRules | None = None
    fixed_sums: Annotated[list[FixedSumRule], Field(min_length=1)] | None = None
    stops: list[Literal["dispute", "promise", "block"]] | None = None

    @model_validator(mode="after")
    def _is_a_ladder(self) -> Self:
        days = [level.days for level in self.levels]
        if days != sorted(days):
            raise ValueError("levels have to be reached one after the other; put them in order of their days")
        if self.interest is not None and (self.interest.from_level or 1) > len(self.levels):
            raise ValueError(f"interest.from_level {self.interest.from_level} is above the last of {len(self.levels)} levels; lower it")
        for name, told in (
            ("rates", [rate.valid_from for rate in self.interest.rates] if self.interest else []),
            ("fixed_sums", [one.at_least or "0" for one in self.fixed_sums or ()]),
            ("stops", self.stops or ()),
        ):
            if len(set(told)) < len(told):
                raise ValueError(f"{name} says something twice; take one out")
        return self


class MeasureOf(Section):
    on: AlertRule
    take: Take
    step: Annotated[int, Field(ge=1)] | None = None
    severity: Severity | None = None
    share: Share | None = None
    to_exposure: bool | None = None
    days: Annotated[int, Field(ge=1, le=3650)] | None = None
    alone: bool | None = None

    @model_validator(mode="after")
    def _says_how_far(self) -> Self:
        told = (self.share is not None) + bool(self.to_exposure)
        if told != (self.take == LOWER_LIMIT):
            raise ValueError("share and to_exposure say how far lower_limit goes: with it exactly one of them, with other measures none")
        return self


class ClassRules(Section):
    risk_class: Name | None = None
    segment: Name | None = None
    counts: Annotated[list[Category], Field(min_length=1)] | None = None
    at_limit: Literal["passes", "fires"] | None = None
    over_limit: Effect | None = None
    horizon_days: Days | None = None
    limit: Money | None = None
    protection: ProtectionRule | None = None
    alerts: AlertRules | None = None
    overdue: OverdueRule | None = None
    oldest_open_item: OldestOpenItemRule | None = None
    largest_order: LargestOrderRule | None = None
    dunning_level: DunningLevelRule | None = None
    prepayment: PrepaymentRule | None = None
    payment_term: PaymentTermRule | None = None
    dunning: DunningRules | None = None
    measures: list[MeasureOf] | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if self.counts is not None and len(set(self.counts)) < len(self.counts):
            raise ValueError("counts names a category twice; take one out")
        if self.horizon_days is not None and self.counts is not None and "orders" not in self.counts:
            raise ValueError('horizon_days says nothing where orders do not count; take it out, or add "orders" to counts')
        named = [(one.on, one.take, one.step, one.severity) for one in self.measures or ()]
        if len(set(named)) < len(named):
            raise ValueError("measures names the same alert and measure twice; put them together")
        return self


class AuthorityOf(Section):
    who: Name
    currency: Currency | None = None
    limits_up_to: UpTo | None = None
    releases_up_to: UpTo | None = None
    measures: list[Take] | None = None


class Level(Section):
    above: Money
    approvers: Annotated[int, Field(ge=1, le=9)]


class PolicyText(Section):
    name: Name
    currency: Currency
    reservation_hours: Annotated[int, Field(ge=1, le=8784)] | None = None
    four_eyes_above: Money | None = None
    approval_levels: list[Level] = Field(default=[])
    authority: list[AuthorityOf] = Field(default=[])
    classes: Annotated[list[ClassRules], Field(alias="class", min_length=1)]


def read_policy(toml: str, where: str = "the policy") -> Policy:
    """Raises ``PolicyError`` with everything that is wrong."""
    try:
        told = tomllib.loads(toml)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"{where}: not TOML: {error}") from None
    found = list(contradictions(told))
    try:
        text = PolicyText.model_validate(told, context=told.get("currency"))
    except ValidationError as error:
        raise PolicyError("\n".join(f"{where}: {wrong}" for wrong in [*wrongs(error), *found])) from None
    if found:
        raise PolicyError("\n".join(f"{where}: {wrong}" for wrong in found))
    content = text.model_dump(exclude_unset=True, by_alias=True)
    return versioned(policy_of(content, ""))


def contradictions(told: Data) -> Iterator[str]:
    """What each part may say and all together may not; of a text that may have other faults too."""
    named = list(parts_of(told, "class"))
    places: dict[Any, int] = {}
    for place, one in named:
        kind = (one.get("risk_class"), one.get("segment"))
        if str(kind) in places:
            yield f"class {place}: the same risk_class and segment as class {places[str(kind)]}; put them together"
        places.setdefault(str(kind), place)
    if named and str((None, None)) not in places:
        yield "class: none is for all others; add a class without risk_class and segment"
    people = [one.get("who") for _, one in parts_of(told, "authority")]
    for place, who in enumerate(people, 1):
        if who in people[: place - 1]:
            yield f"authority {place}: {who!r} is named twice; put both together"
    trusted = {take for _, one in parts_of(told, "authority") for take in one.get("measures", ())}
    waiting = [one.get("take") for _, of in named for _, one in parts_of(of, "measures") if not one.get("alone")]
    for take in sorted({str(take) for take in waiting if people and take not in trusted}):
        yield f"measures: {take} waits for somebody's yes, and nobody named in authority may give it; name it in somebody's measures"
    levels = [one for _, one in parts_of(told, "approval_levels")]
    approvers = [many for one in levels if isinstance(many := one.get("approvers"), int)]
    if approvers and max(approvers) > len(people):
        yield f"approval_levels: {max(approvers)} approvers are asked for and {len(people)} named in authority; name more, or ask for fewer"
    above = [scaled(one["above"], 9) for one in levels if isinstance(one.get("above"), str) and AMOUNT.fullmatch(one["above"])]
    if above != sorted(set(above)) or approvers != sorted(approvers):
        yield "approval_levels: amounts and approvers have to rise from one level to the next; put them in order"


def parts_of(told: Data, name: str) -> Iterator[tuple[int, Data]]:
    parts = told.get(name)
    return ((place, part) for place, part in enumerate(parts if isinstance(parts, list) else [], 1) if isinstance(part, dict))


def wrongs(error: ValidationError) -> Iterator[str]:
    for wrong in error.errors(include_url=False):
        place = place_of(wrong["loc"])
        match wrong["type"]:
            case "missing":
                yield f"{place}: missing; add it"
            case "extra_forbidden":
                yield f"{place}: no word of a policy; correct its name or take it out"
            case "string_type":
                yield f'{place}: not a text; write it in quotes, as "1250.00" or "EUR"'
            case "int_type" | "int_from_float":
                yield f"{place}: not a whole number; write it without quotes, as 30"
            case "dict_type" | "model_type" | "list_type":
                yield f"{place}: not a section; the sample policy shows how it is written"
            case _:
                yield f"{place}: {wrong['msg'].removeprefix('Value error, ')}"


def place_of(loc: tuple[int | str, ...]) -> str:
    """``class 2.overdue.days``: counted from one, as people count."""
    place = ""
    for part in loc:
        place += f" {part + 1}" if isinstance(part, int) else f".{part}" if place else part
    return place
