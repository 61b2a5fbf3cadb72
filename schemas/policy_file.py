"""The door for a credit policy: a TOML text becomes a validated ``Policy``, or every reason why it is none, one a line.

Law: the version is a digest of what the policy says. Comments, the order of its classes and the spelling of its amounts change nothing.
"""

import re
import tomllib
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from hashlib import blake2b
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, model_validator

from schemas.amounts import decimal_text, minor, scaled, shown
from schemas.currencies import DECIMALS
from schemas.facts import Data
from schemas.jsontext import read as read_json
from schemas.jsontext import written_sorted
from schemas.policies import SEVERITY, Policy, content_of, policy_of

AMOUNT = re.compile(r"(\d{1,13})(?:\.(\d{1,9}))?", re.ASCII)
SHARE = re.compile(r"[01](?:\.\d{1,4})?", re.ASCII)
PER_CENT = re.compile(r"-?\d{1,2}(?:\.\d{1,6})?", re.ASCII)


class PolicyError(ValueError):
    """The file is no policy: each line of the message says where, what, and what to do."""


def known_currency(code: str) -> str:
    if code not in DECIMALS:
        raise ValueError(f"{code!r} is no currency of ISO 4217; write it like EUR")
    return code


def amount(text: str, info: ValidationInfo) -> str:
    """In the currency told beside it, else in the policy's."""
    told = AMOUNT.fullmatch(text)
    if told is None:
        raise ValueError(f'{text!r} is no amount; write it like "1250.00"')
    currency = info.data.get("currency") or info.context
    if currency not in DECIMALS:
        return text
    if len((told[2] or "").rstrip("0")) > DECIMALS[currency]:
        raise ValueError(f"{text!r} has more decimals than {currency}; write {DECIMALS[currency]}")
    return shown(minor(text, currency), currency)


def unbounded(text: str, info: ValidationInfo) -> str:
    return text if text == "unlimited" else amount(text, info)


def tolerance(text: str) -> str | None:
    """Nothing is tolerated by a tolerance of nothing."""
    return text if text.strip("0.") else None


def from_nothing(text: str) -> str:
    """Any amount, where it is at least nothing."""
    return tolerance(text) or "0"


def share(text: str) -> str:
    if not SHARE.fullmatch(text) or not 0 < scaled(text, 4) <= 10**4:
        raise ValueError(f'{text!r} is no share of at most 1; write it like "0.9000"')
    return decimal_text(scaled(text, 4), 4)


def per_cent(text: str) -> str:
    """Without the zeros that say nothing."""
    if not PER_CENT.fullmatch(text):
        raise ValueError(f'{text!r} is no rate in per cent; write it like "9.12"')
    return f"{Decimal(text).normalize() + 0:f}"


def not_negative(text: str) -> str:
    if text.startswith("-"):
        raise ValueError(f"{text!r} lies below nothing; points on top of a rate are added")
    return text


def calendar_day(text: str) -> str:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        raise ValueError(f'{text!r} is no day; write it like "2026-07-01"')
    return date.fromisoformat(text).isoformat()


def known_alert(rule: str) -> str:
    if rule not in SEVERITY:
        raise ValueError(f"{rule!r} is no alert; there are {', '.join(sorted(SEVERITY))}")
    return rule


Currency = Annotated[str, AfterValidator(known_currency)]
Money = Annotated[str, AfterValidator(amount)]
UpTo = Annotated[str, AfterValidator(unbounded)]
Tolerance = Annotated[Money, AfterValidator(tolerance)]
AtLeast = Annotated[Money, AfterValidator(from_nothing)]
Share = Annotated[str, AfterValidator(share)]
PerCent = Annotated[str, AfterValidator(per_cent)]
Points = Annotated[PerCent, AfterValidator(not_negative)]
Day = Annotated[str, AfterValidator(calendar_day)]
Days = Annotated[int, Field(ge=0, le=3650)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Effect = Literal["refuse", "warn"]
Counting = Literal["adds_to_limit", "off_exposure", "shown_only"]
Severity = Literal["low", "medium", "high"]
AlertRule = Annotated[str, AfterValidator(known_alert)]
Category = Literal["orders", "deliveries", "receivables", "unapplied", "reserved"]


class Section(BaseModel):
    """Defaults stand in ``schemas/policies.py`` alone: what a file leaves out is left out here."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


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


class AlertRules(Section):
    near_limit: Share | None = None
    clear_below: Share | None = None
    oldest_open_item_days: Days | None = None
    review_due_days: Days | None = None
    large_order: Money | None = None
    score_falls_along: Annotated[list[Name], Field(min_length=2)] | None = None
    severity: dict[AlertRule, Severity] | None = None

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

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if self.counts is not None and len(set(self.counts)) < len(self.counts):
            raise ValueError("counts names a category twice; take one out")
        if self.horizon_days is not None and self.counts is not None and "orders" not in self.counts:
            raise ValueError('horizon_days says nothing where orders do not count; take it out, or add "orders" to counts')
        return self


class AuthorityOf(Section):
    who: Name
    currency: Currency | None = None
    limits_up_to: UpTo | None = None
    releases_up_to: UpTo | None = None


class Level(Section):
    above: Money
    approvers: Annotated[int, Field(ge=1, le=9)]


class PolicyText(Section):
    name: Name
    currency: Currency
    reservation_hours: Annotated[int, Field(ge=1, le=8784)] | None = None
    four_eyes_above: Money | None = None
    approval_levels: list[Level] = []
    authority: list[AuthorityOf] = []
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


def versioned(policy: Policy) -> Policy:
    content = content_of(policy)
    return policy_of(content, version_of(content))


def version_of(content: Data) -> str:
    """Twelve letters that stand for all that a policy says."""
    return blake2b(written_sorted(content)).hexdigest()[:12]


def written(policy: Policy) -> str:
    """The frozen form of a policy as it is recorded."""
    return written_sorted(content_of(policy)).decode()


def read_written(text: str, version: str) -> Policy:
    """A policy as it was recorded, under the version it was recorded with."""
    return policy_of(read_json(text), version)


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
