"""Decimals in one spelling: money with exactly its currency's decimals, other numbers without trailing zeros, never more than they may have."""

from functools import cache
from typing import Any, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError

from schemas.currencies import DECIMALS
from schemas.fields import mark, model_inside

TOO_MANY_DECIMALS = "too_many_decimals"
NO_AMOUNT = ("unlimited", "none")
"""The words a limit may have where others have an amount."""

Place = tuple[str | int, ...]


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


class Decimal(NamedTuple):
    """Which fields of a model are decimals: money of the document, numbers with the most decimals they may have, and the decimals of its parts."""

    money: tuple[str, ...]
    numbers: tuple[tuple[str, int], ...]
    parts: tuple[tuple[str, "Decimal"], ...]


@cache
def decimal_fields(model: type[BaseModel]) -> Decimal:
    fields = model.model_fields
    marks = {name: found.of for name, field in fields.items() if (found := mark(field, Decimals))}
    inside = {name: decimal_fields(inner) for name, field in fields.items() if (inner := model_inside(field))}
    return Decimal(
        tuple(name for name, of in marks.items() if of == "document"),
        tuple((name, Decimals.MOST[of]) for name, of in marks.items() if of != "document"),
        tuple((name, found) for name, found in inside.items() if any(found)),
    )


def spell(model: BaseModel) -> None:
    """Brings the decimals of a document and of its parts to their one spelling, in place; raises ``ValueError`` with the place of one that has too many."""
    values = model.__dict__
    spell_fields(values, decimal_fields(type(model)), DECIMALS.get(values.get("currency", ""), 0), ())


def spell_fields(values: dict[str, Any], fields: Decimal, decimals: int, place: Place) -> None:
    for name in fields.money:
        value = values[name]
        # Most money comes as it stays: then there is nothing to take apart.
        if value is not None and not (type(value) is str and value[-1 - decimals : -decimals] == "." and value[0] != "0"):
            values[name] = money(value, decimals, (*place, name))
    for name, most in fields.numbers:
        if (value := values[name]) is not None:
            values[name] = number(value, most, "{most} decimals", (*place, name))
    for name, inside in fields.parts:
        for at, part in enumerate(values[name] or ()):
            spell_fields(part.__dict__, inside, decimals, (*place, name, at))


def money(value: str | int, decimals: int, place: Place) -> str:
    if isinstance(value, str) and value in NO_AMOUNT:
        return value
    text = number(value, decimals, "the {most} decimals of its currency", place)
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.ljust(decimals, '0')}" if decimals else whole


def number(value: str | int, most: int, at_most: Literal["{most} decimals", "the {most} decimals of its currency"], place: Place) -> str:
    """A decimal text without leading or trailing zeros; more decimals than allowed (zeros apart) are refused."""
    whole, _, fraction = str(value).partition(".")
    fraction = fraction.rstrip("0")
    if len(fraction) > most:
        raise PydanticCustomError(TOO_MANY_DECIMALS, "{place}: more than " + at_most, {"place": ".".join(map(str, place)), "most": most})
    whole = whole.lstrip("0") or "0"
    return f"{whole}.{fraction}" if fraction else whole
