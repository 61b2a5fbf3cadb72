"""The models of the door, validating into plain dicts: the same fields and the same validators, but no instance for every document and line.

What was not told is absent, what the model does not know is left out; a refusal is a ``ValidationError`` of the same kind at the same place.
"""

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel
from pydantic_core import SchemaValidator, core_schema

from schemas.decimals import spell, spelling
from schemas.facts import Data
from schemas.fields import model_inside


def plainly(model: type[BaseModel]) -> Callable[[Any], Data]:
    """Takes what ``model.model_validate`` takes, and makes a dict of the told fields in the order of the model; raises ``ValidationError``."""
    return SchemaValidator(in_dicts(model.__pydantic_core_schema__)).validate_python


def in_dicts(schema: Any) -> Any:
    """The schema pydantic has made of a model, with a typed dict for every model in it. A validator of a whole model then gets the dict."""
    if isinstance(schema, list):
        return [in_dicts(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    match schema.get("type"):
        case "model":
            fields = {name: field_in_dict(field["schema"]) for name, field in schema["schema"]["fields"].items()}
            return core_schema.typed_dict_schema(fields, extra_behavior="ignore", config=schema["config"])
        case "function-after" if schema["function"]["function"] is spell:
            return core_schema.no_info_after_validator_function(spelling(model_of(schema)), in_dicts(schema["schema"]))
    return {name: in_dicts(part) for name, part in schema.items() if name not in ("metadata", "ref")}


def field_in_dict(schema: Any) -> core_schema.TypedDictField:
    """A field that is null when it is not told may be absent; what another default says is filled in."""
    required = schema["type"] != "default"
    is_null = not required and schema["default"] is None
    return core_schema.typed_dict_field(in_dicts(schema["schema"] if is_null else schema), required=required)


def model_of(schema: Any) -> type[BaseModel]:
    model: type[BaseModel] = schema["cls"] if schema["type"] == "model" else model_of(schema["schema"])
    return model


def has_any(model: type[BaseModel]) -> bool:
    """Whether a field of the model, or of one of its parts, may be any value."""
    return any(field.annotation is Any or ((inner := model_inside(field)) and has_any(inner)) for field in model.model_fields.values())
