"""The mapping: which column of a receivables CSV means what; `mappings/ibm-receivables.toml` describes every field."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import date, datetime
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from schemas.currencies import DECIMALS

NO_CURRENCY = "not an ISO 4217 currency with a minor unit; write it like USD"


class MappingError(ValueError):
    """The mapping cannot be used, or does not fit the file: what is wrong, where, and what to do."""


def _currency_code(code: str) -> str:
    if code not in DECIMALS:
        raise ValueError(f"{code!r} is {NO_CURRENCY}")
    return code


def _date_format(pattern: str) -> str:
    day = date(2013, 11, 22)
    try:
        same = datetime.strptime(day.strftime(pattern), pattern).date() == day
    except ValueError:
        same = False
    if not same:
        raise ValueError(f"{pattern!r} does not give back a whole date; write it like %m/%d/%Y or %Y-%m-%d")
    return pattern


def _delimiter(mark: str) -> str:
    if len(mark) != 1 or mark in '"\r\n':
        raise ValueError(f'{mark!r} cannot part cells; write one character like "," or ";" or "\\t"')
    return mark


def _encoding(name: str) -> str:
    try:
        "a".encode(name)
    except LookupError:
        raise ValueError(f"{name!r} is no text encoding; write one like utf-8-sig or cp1252") from None
    return name


def _thousands(mark: str) -> str:
    if len(mark) > 1 or mark.isdigit() or mark in ("-", "+"):
        raise ValueError(f'{mark!r} cannot group thousands; write one mark like "," or "." or nothing')
    return mark


Column = Annotated[str, Field(min_length=1)]
CurrencyCode = Annotated[str, AfterValidator(_currency_code)]


class Section(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class Columns(Section):
    account: Column
    invoice: Column
    invoice_date: Column
    due_date: Column
    amount: Column
    currency: Column | None = None


class Settled(Section):
    column: Column
    still_open: list[str] = []


class Disputed(Section):
    column: Column
    yes: list[str] = Field(min_length=1)
    no: list[str] = []


class Customer(Section):
    name: Column
    currency: CurrencyCode | None = None
    currency_column: Column | None = None
    country: Column | None = None


DateFormat = Annotated[str, AfterValidator(_date_format)]


class Sheet(Section):
    """How the cells of a CSV are written, whatever its columns mean."""

    columns: Any
    currency: CurrencyCode | None = None
    date_format: DateFormat
    decimal: Literal[".", ","] = "."
    thousands: Annotated[str, AfterValidator(_thousands)] = ""
    delimiter: Annotated[str, AfterValidator(_delimiter)] = ","
    encoding: Annotated[str, AfterValidator(_encoding)] = "utf-8-sig"
    cells_span_lines: bool = False

    @model_validator(mode="after")
    def _two_marks(self) -> Self:
        if self.decimal == self.thousands:
            raise ValueError("decimal and thousands are the same mark; change one of them")
        return self

    @property
    def mapped(self) -> list[str]:
        """The columns this mapping reads, each once."""
        return list(dict.fromkeys(name for name in self.columns.model_dump().values() if name))

    @classmethod
    def read(cls, toml: str, *, where: str) -> Self:
        """The mapping written in `toml`. `where` names it in errors. Raises MappingError."""
        try:
            return cls.model_validate(tomllib.loads(toml))
        except tomllib.TOMLDecodeError as error:
            raise MappingError(f"{where}: not TOML: {error}") from None
        except ValidationError as error:
            raise MappingError("\n".join(f"{where}: {wrong}" for wrong in _wrongs(error))) from None


class Mapping(Sheet):
    """Which column of a receivables CSV means what, and how its dates and amounts are written."""

    columns: Columns
    settled: Settled | None = None
    disputed: Disputed | None = None
    customer: Customer | None = None
    invoice_numbers: Literal["unique", "unique-per-account"] = "unique"

    @model_validator(mode="after")
    def _one_currency_each(self) -> Self:
        if (self.currency is None) == (self.columns.currency is None):
            raise ValueError("give either currency (one for the whole file) or columns.currency, and not both")
        if self.customer is not None:
            told = (self.customer.currency is not None) + (self.customer.currency_column is not None)
            if told == 2 or (told == 0 and self.currency is None):
                raise ValueError("give either customer.currency or customer.currency_column, and not both")
        return self

    @property
    def mapped(self) -> list[str]:
        """The columns this mapping reads, each once."""
        names = [*self.columns.model_dump().values()]
        names += [part.column for part in (self.settled, self.disputed) if part]
        if self.customer:
            names += [self.customer.name, self.customer.currency_column, self.customer.country]
        return list(dict.fromkeys(name for name in names if name))


def _wrongs(error: ValidationError) -> Iterator[str]:
    for wrong in error.errors():
        field = ".".join(map(str, wrong["loc"]))
        match wrong["type"]:
            case "missing":
                yield f"{field} is missing; add it"
            case "extra_forbidden":
                yield f"{field} is not a field of a mapping; correct its name or take it out"
            case _:
                said = wrong["msg"].removeprefix("Value error, ")
                yield f"{field}: {said}" if field else said


def mapping_named(name_or_path: str) -> Mapping:
    """A mapping that ships with the engine, by its name, or one of your own, by its path. Raises MappingError."""
    folder = resources.files("consumers").joinpath("mappings")
    shipped = {item.name.removesuffix(".toml"): item for item in folder.iterdir() if item.name.endswith(".toml")}
    found = shipped.get(name_or_path, Path(name_or_path))
    try:
        toml = found.read_text(encoding="utf-8")
    except OSError as error:
        raise MappingError(
            f"no mapping {name_or_path!r}: not a file that can be read ({error.strerror}), nor a shipped one. "
            f"Give a path, or one of: {', '.join(sorted(shipped))}"
        ) from None
    except UnicodeDecodeError:
        raise MappingError(f"{name_or_path}: not UTF-8; save the mapping as UTF-8") from None
    return Mapping.read(toml, where=name_or_path)
