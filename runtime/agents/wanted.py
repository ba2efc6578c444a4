"""The JSON that an output parser wants: its schema, and how to ask a model for it. Pure; validation is in `reading`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runtime.agents.messages import dumps

FORMAT_TOOL = "format_final_json_response"
"""n8n's name for the tool by which an agent hands over its final answer."""

FORMAT_TOOL_TEXT = (
    "Hand over the final answer as JSON of the given schema. Call it once, when the work is done and the answer is "
    "complete; never for intermediate results or questions. What it gets is the answer, word for word."
)
FORMAT_TOOL_ORDER = (
    f"Give the final answer only by calling the tool `{FORMAT_TOOL}` with the complete answer in the shape of its "
    "schema. Do not write the JSON as text. Call it only when nothing is left to do."
)
INSTRUCTIONS = """Answer with JSON only: one value that is valid against this JSON Schema, in a Markdown code block, \
with no other text. Fields that the schema requires must be there, types must match exactly, and no comma may trail.
```json
{schema}
```
"""
FIX = """A text was to follow these instructions:
{instructions}

This is the text:
{completion}

It does not follow them: {error}

Write it again so that it does. Answer with nothing else."""


@dataclass(frozen=True)
class Wanted:
    """JSON of a shape. `unwrap`: the value lies under this key of the model's JSON."""

    schema: dict[str, Any]
    unwrap: str | None = None

    @property
    def instructions(self) -> str:
        """What to tell a model that answers in text."""
        return INSTRUCTIONS.format(schema=dumps(self.schema))


def from_example(example: Any, *, required: bool) -> dict[str, Any]:
    """The JSON Schema of an example; a list has the shape of its first element (n8n)."""
    match example:
        case None:
            return {"type": "null"}
        case bool():
            return {"type": "boolean"}
        case int() | float():
            return {"type": "number"}
        case str():
            return {"type": "string"}
        case list():
            return {"type": "array"} | ({"items": from_example(example[0], required=required)} if example else {})
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {key: from_example(value, required=required) for key, value in example.items()},
    }
    if required and example:
        schema["required"] = list(example)
    return schema | {"additionalProperties": False}


def closed(schema: Any) -> Any:
    """The schema with objects that name their properties closed to others, as n8n's conversion does."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    made = {key: closed(value) for key, value in schema.items()}
    if made.get("type") == "object" and "properties" in made:
        made.setdefault("additionalProperties", False)
    return made


def parsed_schema(text: Any) -> dict[str, Any]:
    """A JSON Schema that an author wrote, as text or as an object. Raises ValueError."""
    schema = json.loads(text) if isinstance(text, str) else text
    if not isinstance(schema, dict):
        raise ValueError("a JSON Schema is an object")
    return schema


def json_or_text(text: str) -> Any:
    """The JSON of a model that was told to answer in JSON; its text when that is none."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def wrapped(schema: Mapping[str, Any], key: str, *, required: bool = True) -> Wanted:
    """The schema under a key, as n8n asks models for it."""
    outer: dict[str, Any] = {"type": "object", "properties": {key: dict(schema)}}
    if required:
        outer["required"] = [key]
    return Wanted(outer | {"additionalProperties": False}, key)
