"""What a record says beyond its model, and the one spelling of values that no model spells."""

from functools import cache
from typing import Any

from pydantic import BaseModel

from schemas.facts import Data
from schemas.fields import model_inside

INT64 = 1 << 63


@cache
def parts_of(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """The fields of a model that hold a list of parts, and the model of these."""
    return {name: inner for name, field in model.model_fields.items() if (inner := model_inside(field))}


def tidy(told: Data, model: type[BaseModel]) -> Data:
    """The fields that say something: null and false are absent, what may be any value is in its one spelling."""
    parts = parts_of(model)
    return {
        field: [tidy(part, parts[field]) for part in value] if field in parts else as_value(value)
        for field, value in told.items()
        if value is not None and value is not False
    }


def knows_all(model: type[BaseModel], told: Data) -> bool:
    """Whether the model, and the models of its parts, have every field that was told."""
    return told.keys() <= model.model_fields.keys() and all(
        knows_all(inner, part) for field, inner in parts_of(model).items() for part in told.get(field) or ()
    )


def unknown_fields(model: type[BaseModel], told: Data) -> Data:
    """What the models do not know, each at its place: a part of what the record says."""
    found = {field: as_value(value) for field, value in told.items() if field not in model.model_fields and value is not None}
    for field, inner in parts_of(model).items():
        lines = [unknown_fields(inner, line) for line in told.get(field) or ()]
        if any(lines):
            found[field] = lines
    return found


def as_value(value: Any) -> Any:
    """A JSON value in one spelling: members sorted, null ones absent, 1.0 as 1."""
    if isinstance(value, dict):
        return {name: as_value(inner) for name, inner in sorted(value.items()) if inner is not None}
    if isinstance(value, list):
        return [as_value(inner) for inner in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < INT64:
        return int(value)
    return value
