"""Decimals in one spelling: money with exactly its currency's decimals, other numbers without trailing zeros, never more than they may have."""

from functools import cache
from typing import Any, ClassVar, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError

from schemas.currencies import DECIMALS
from schemas.fields import mark, model_inside

TOO_MANY_DECIMALS = "too_many_decimals"
NO_AMOUNT = ("unlimited", "none")
"""The words a limit may have where others have an amount."""

M = TypeVar("M", bound=BaseModel)


class Decimals:
    """Marks a decimal text: money in the document's currency, money in an item's currency, or a nine-decimal number."""

    SAID: ClassVar[dict[str, str]] = {
        "document": "money in the document's currency, with no more decimals than it has",
        "item": "money in the currency of the item it names",
        "nine": "a number of at most nine decimals",
    }
    MOST: ClassVar[dict[str, int]] = {"item": max(DECIMALS.values()), "nine": 9}
    """What is known without the document: an item's currency is not, so it may have as many as any."""

    def __init__(self, of: Literal["document", "item", "nine"]) -> None:
        self.of = of

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"description": self.SAID[self.of], **handler(core)}


class DecimalFields(NamedTuple):
    """The decimals of a model: money of the document, numbers with the most decimals each may have, and those of its parts."""

    money: tuple[str, ...]
    numbers: tuple[tuple[str, int], ...]
    parts: tuple[tuple[str, "DecimalFields"], ...]


@cache
def decimal_fields(model: type[BaseModel]) -> DecimalFields:
    fields = model.model_fields
    marks = {name: found.of for name, field in fields.items() if (found := mark(field, Decimals))}
    inside = {name: decimal_fields(inner) for name, field in fields.items() if (inner := model_inside(field))}
    return DecimalFields(
        tuple(name for name, of in marks.items() if of == "document"),
        tuple((name, Decimals.MOST[of]) for name, of in marks.items() if of != "document"),
        tuple((name, found) for name, found in inside.items() if any(found)),
    )


class TooManyDecimals(Exception):
    """``place`` is where they stand, from the document inwards."""

    def __init__(self, name: str, at_most: str) -> None:
        self.place: tuple[str | int, ...] = (name,)
        self.at_most = at_most


def spell(model: M) -> M:
    """Brings the decimals of a document and of its parts to their one spelling, in place; raises ``ValueError`` where one has too many."""
    values = model.__dict__
    try:
        spell_fields(values, decimal_fields(type(model)), DECIMALS.get(values.get("currency", ""), 0))
    except TooManyDecimals as error:
        place = ".".join(map(str, error.place))
        raise PydanticCustomError(TOO_MANY_DECIMALS, "{place}: more than {at_most}", {"place": place, "at_most": error.at_most}) from error
    return model


def spell_fields(values: dict[str, Any], fields: DecimalFields, decimals: int) -> None:
    money_of_document, numbers, parts = fields
    for name in money_of_document:
        value = values[name]
        # Most money comes in its one spelling already: then there is nothing to take apart.
        if value is not None and not (type(value) is str and value[-1 - decimals : -decimals] == "." and value[0] != "0"):
            values[name] = money(value, decimals, name)
    for name, most in numbers:
        if (value := values[name]) is not None:
            values[name] = number(value, most, name)
    for name, inside in parts:
        for item in values[name] or ():
            try:
                spell_fields(item.__dict__, inside, decimals)
            except TooManyDecimals as error:
                error.place = (name, values[name].index(item), *error.place)
                raise


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
