"""The words a policy file is written in: amounts, shares, rates, days, names, each in the one spelling that a version is made of."""

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

from schemas.amounts import decimal_text, minor, scaled, shown
from schemas.currencies import DECIMALS
from schemas.policies import SEVERITY

AMOUNT = re.compile(r"(\d{1,13})(?:\.(\d{1,9}))?", re.ASCII)
SHARE = re.compile(r"[01](?:\.\d{1,4})?", re.ASCII)
PER_CENT = re.compile(r"-?\d{1,2}(?:\.\d{1,6})?", re.ASCII)


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
Take = Literal["lower_limit", "watch", "prepayment", "stop_deliveries"]
Category = Literal["orders", "deliveries", "receivables", "unapplied", "reserved"]


class Section(BaseModel):
    """Defaults stand in ``schemas/policies.py`` alone: what a file leaves out is left out here."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")
