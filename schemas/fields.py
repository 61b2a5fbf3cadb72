"""What a field of a model is made of: the types inside its annotation, the marks on them, the model it holds, and which of several are told."""

from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, core_schema

from schemas.facts import Data

T = TypeVar("T")


def parts(field: FieldInfo) -> list[Any]:
    """Everything inside a field's annotation, outermost first, marks included."""
    return [*field.metadata, *nested(field.annotation)]


def nested(annotation: Any) -> list[Any]:
    found = [annotation, *getattr(annotation, "__metadata__", ())]
    for part in get_args(annotation):
        found += nested(part)
    return found


def mark(field: FieldInfo, kind: type[T]) -> T | None:
    return next((part for part in parts(field) if isinstance(part, kind)), None)


def model_inside(field: FieldInfo) -> type[BaseModel] | None:
    """The model of a field's items, where it holds a list of them."""
    return next((part for part in parts(field) if isinstance(part, type) and issubclass(part, BaseModel)), None)


def told_of(part: Any) -> Data:
    """The fields of a part by their names, whether it was validated into a model or into plain data."""
    return part if type(part) is dict else part.__dict__


class OneOf:
    """Marks a text that is one of many words: pydantic looks it up and asks no function of ours."""

    def __init__(self, choice: list[str]) -> None:
        self.choice = choice

    def __get_pydantic_core_schema__(self, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.literal_schema(self.choice)


def either(*ways: tuple[str, ...]) -> ConfigDict:
    """How the contract says that exactly one of these groups of fields is told (null is not told)."""
    fields = {field for way in ways for field in way}
    told: list[Any] = [{field: {"not": {"type": "null"}} if field in way else {"type": "null"} for field in sorted(fields)} for way in ways]
    return ConfigDict(json_schema_extra={"oneOf": [{"required": list(way), "properties": is_} for way, is_ in zip(ways, told, strict=True)]})
