"""Why a model refused a record, in words for whoever sent it: the place and what belongs there, never what stood there."""

from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from schemas.decimals import TOO_MANY_DECIMALS
from schemas.fields import mark, model_inside, parts

OF_A_SHAPE = {
    "missing": "missing",
    "model_type": "not an object",
    "dict_type": "not an object",
    "is_instance_of": "not an object",
    "list_type": "not a list",
    "too_short": "an empty list",
}
OWN_WORDS = {"value_error", TOO_MANY_DECIMALS}
"""Errors raised by the models' own validators: they say what belongs there."""


class Otherwise:
    """Marks a kind of field with the words for a value that is not of this kind."""

    def __init__(self, words: str) -> None:
        self.words = words


def refusal(model: type[BaseModel], error: ValidationError, inside: str) -> tuple[str, str]:
    """The code and the reason: the first thing that is wrong, and at how many places more. ``inside`` stands before every place, as ``data.``."""
    found = [(*standing(model, one["loc"]), one) for one in error.errors(include_url=False, include_context=False)]
    place, field, first = found[0]
    others = len({place for place, _, _ in found}) - 1
    more = f" (and {others} more)" if others else ""
    if first["type"] == TOO_MANY_DECIMALS:
        return TOO_MANY_DECIMALS, f"{inside}{said(first)}{more}"
    return "invalid", f"{(inside + place).rstrip('.')}: {words(first, field)}{more}"


def standing(model: type[BaseModel] | None, loc: tuple[int | str, ...]) -> tuple[str, FieldInfo | None]:
    """The place in the record, and the field that stands there (none for an item of a list): what pydantic adds of its own is left out."""
    place: list[str] = []
    field: FieldInfo | None = None
    for part in loc:
        if isinstance(part, int):
            field = None
        elif model is not None and part in model.model_fields:
            field = model.model_fields[part]
            model = model_inside(field)
        else:
            break
        place.append(str(part))
    return ".".join(place), field


def words(error: ErrorDetails, field: FieldInfo | None) -> str:
    if field is not None and error["input"] is None:
        return OF_A_SHAPE["missing"]
    if error["type"] in OWN_WORDS:
        return said(error)
    return OF_A_SHAPE.get(error["type"]) or ("not an object" if field is None else otherwise(field))


def said(error: ErrorDetails) -> str:
    return error["msg"].removeprefix("Value error, ")


def otherwise(field: FieldInfo) -> str:
    """What is said of a value that a field does not take."""
    if marked := mark(field, Otherwise):
        return marked.words
    inner = parts(field)
    choice: list[Any] = [word for part in inner if get_origin(part) is Literal for word in get_args(part)]
    if choice:
        return f"not one of {', '.join(choice)}" if len(choice) > 1 else f"not {choice[0]}"
    return "neither true nor false" if bool in inner else "not a text"
