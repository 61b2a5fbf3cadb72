"""Decimals in one spelling: money with exactly its currency's decimals, other numbers without trailing zeros, never more than they may have."""

from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError

from schemas.currencies import DECIMALS
from schemas.facts import Data
from schemas.fields import mark, model_inside

TOO_MANY_DECIMALS = "too_many_decimals"
NO_AMOUNT = ("unlimited", "none")
"""The words a limit may have where others have an amount."""


M = TypeVar("M", bound=BaseModel)


class Decimals:
    """Marks a decimal text: money in the document's currency, money in an item's currency, what is asked for, or a nine-decimal number."""

    SAID: ClassVar[dict[str, str]] = {
        "document": "money in the document's currency, with no more decimals than it has",
        "item": "money in the currency of the item it names",
        "asked": "money in the currency told beside it, else in the order's, else in the account's",
        "nine": "a number of at most nine decimals",
    }
    MOST: ClassVar[dict[str, int]] = {"item": max(DECIMALS.values()), "asked": max(DECIMALS.values()), "nine": 9}
    """What is known without the document: an item's currency is not, nor always the one that is asked in, so they may have as many as any."""

    def __init__(self, of: Literal["document", "item", "asked", "nine"]) -> None:
        self.of = of

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"description": self.SAID[self.of], **handler(core)}


class DecimalFields(NamedTuple):
    """The decimals of a document, or of the parts in its field ``place``: money, and numbers with the most decimals each may have."""

    place: str | None
    money: tuple[str, ...]
    numbers: tuple[tuple[str, int], ...]


@cache
def decimal_fields(model: type[BaseModel], place: str | None = None) -> list[DecimalFields]:
    """Those of the document itself, then those of its parts."""
    fields = model.model_fields
    marks = {name: found.of for name, field in fields.items() if (found := mark(field, Decimals))}
    own = DecimalFields(
        place,
        tuple(name for name, of in marks.items() if of == "document"),
        tuple((name, Decimals.MOST[of]) for name, of in marks.items() if of != "document"),
    )
    parts = [decimal_fields(inner, name) for name, field in fields.items() if (inner := model_inside(field))]
    return [found for found in (own, *(part for inside in parts for part in inside)) if found.money or found.numbers]


class TooManyDecimals(Exception):
    def __init__(self, name: str, at_most: str) -> None:
        self.name = name
        self.at_most = at_most


def spell(model: M) -> M:
    """Brings the decimals of a document and of its parts to their one spelling, in place; raises ``ValueError`` where one has too many."""
    spelling(type(model))(model.__dict__)
    return model


@cache
def spelling(model: type[BaseModel]) -> Callable[[Data], Data]:
    """``spell`` for the fields alone, by their names."""
    document_and_parts = decimal_fields(model)

    def spell_fields(told: Data) -> Data:
        decimals = DECIMALS.get(told.get("currency", ""), 0)
        point = -1 - decimals
        for place, money_of_document, numbers in document_and_parts:
            for part in told.get(place) or () if place else (told,):
                fields = part if type(part) is dict else part.__dict__
                try:
                    for name in money_of_document:
                        value = fields.get(name)
                        # Most money comes in its one spelling already: then there is nothing to take apart.
                        if value is not None and not (type(value) is str and value[point:-decimals] == "." and value[0] != "0"):
                            fields[name] = money(value, decimals, name)
                    for name, most in numbers:
                        value = fields.get(name)
                        if value is not None:
                            fields[name] = number(value, most, name)
                except TooManyDecimals as error:
                    where = f"{place}.{told[place].index(part)}." if place else ""
                    said = {"place": where + error.name, "at_most": error.at_most}
                    raise PydanticCustomError(TOO_MANY_DECIMALS, "{place}: more than {at_most}", said) from error
        return told

    return spell_fields


def money(value: str | int, decimals: int, name: str) -> str:
    if isinstance(value, str) and value in NO_AMOUNT:
        return value
    text = number(value, decimals, name, "the {} decimals of its currency")
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.ljust(decimals, '0')}" if decimals else whole


def number(value: str | int, most: int, name: str, at_most: str = "{} decimals") -> str:
    """A decimal text without leading or trailing zeros; more decimals than allowed (zeros apart) are refused."""
    whole, _, fraction = str(value).partition(".")
    fraction = fraction.rstrip("0")
    if len(fraction) > most:
        raise TooManyDecimals(name, at_most.format(most))
    whole = whole.lstrip("0") or "0"
    return f"{whole}.{fraction}" if fraction else whole
