"""The contract as JSON Schemas (draft 2020-12), one committed file for every type, and the topics as an AsyncAPI document, for any program to check.

They are generated from the models of the door by ``python -m schemas.contracts``. What a schema cannot say (more decimals than the currency
has, a line id twice, a rate between one currency and itself) the door still refuses: whatever the door takes, its schema takes.
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import create_model
from pydantic.json_schema import GenerateJsonSchema

from schemas.contracts.asyncapi import asyncapi
from schemas.inbound import MODELS, Envelope
from schemas.jsontext import laid_out
from schemas.requests import REQUESTS

FOLDER = Path(__file__).parent


class Untitled(GenerateJsonSchema):
    """Fields are named once, by their own names."""

    def field_title_should_be_set(self, _: Any) -> bool:
        return False


def contract_of(type_: str) -> dict[str, Any]:
    """The schema of one whole event: the CloudEvents envelope with the data of its type."""
    data = (MODELS | REQUESTS)[type_]
    fields: Any = {"type": (Literal[type_], ...), "data": (data, ...)}
    event: Any = create_model(type_, __base__=Envelope, __doc__=data.__doc__, **fields)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **event.model_json_schema(schema_generator=Untitled)}


def files() -> dict[Path, bytes]:
    """Every contract by the file it is committed in."""
    schemas = {FOLDER / f"{type_}.json": laid_out(contract_of(type_)) for type_ in sorted(MODELS | REQUESTS)}
    return schemas | {FOLDER / "asyncapi.json": laid_out(asyncapi())}
