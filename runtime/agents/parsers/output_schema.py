"""The JSON that an output parser expects: its schema, and how to ask a model for it. Pure; `answer_parser` validates."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from runtime.agents.messages import dumps

FORMAT_TOOL = "format_final_json_response"
"""Name of the tool by which an agent returns its final answer; n8n's."""

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
class OutputSchema:
    """The JSON Schema of a model's answer. `unwrap`: the key of the model's JSON that has the value; None: the whole."""

    schema: dict[str, Any]
    unwrap: str | None = None

    @property
    def instructions(self) -> str:
        """The prompt for a model that answers in text."""
        return INSTRUCTIONS.format(schema=dumps(self.schema))


def from_example(example: Any, *, required: bool) -> dict[str, Any]:
    """Return the JSON Schema of an example. Objects of a list have the fields of all of them (n8n)."""
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
            return {"type": "array"} | _items(example, required=required)
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {key: from_example(value, required=required) for key, value in example.items()},
    }
    if required and example:
        schema["required"] = list(example)
    return schema | {"additionalProperties": False}


def _items(examples: Sequence[Any], *, required: bool) -> dict[str, Any]:
    """Return `items` of a list. Elements of several kinds have no type; fields that all objects have are required (n8n)."""
    if not examples:
        return {}
    shapes = [from_example(each, required=required) for each in examples]
    kinds = {each["type"] for each in shapes}
    if len(shapes) == 1:
        return {"items": shapes[0]}
    if kinds == {"object"}:
        merged = reduce(_merged, shapes)
        names = (
            list(merged["properties"])
            if required
            else [key for key in examples[0] if all(key in each for each in examples)]
        )
        return {"items": merged | ({"required": names} if names else {})}
    return {"items": {"type": kinds.pop()} if len(kinds) == 1 else {}}


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a field that has values of both."""
    types = [*_types(one), *(each for each in _types(other) if each not in _types(one))]
    if types != ["object"]:
        return one if len(types) == 1 else {"type": types}
    properties = dict(one["properties"])
    for key, schema in other["properties"].items():
        properties[key] = _merged(properties[key], schema) if key in properties else schema
    required = [
        *one.get("required", ()),
        *(key for key in other.get("required", ()) if key not in one.get("required", ())),
    ]
    return one | {"properties": properties} | ({"required": required} if required else {})


def _types(schema: Mapping[str, Any]) -> list[str]:
    return list(schema["type"]) if isinstance(schema["type"], list) else [schema["type"]]


def close_objects(schema: Any) -> Any:
    """Return the schema with objects that name their properties closed to others, as n8n's conversion does; only what an object
    names is required. Parts of `allOf` stay open: together they are one object.
    """
    if isinstance(schema, list):
        return [close_objects(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    result = {key: value if key == "allOf" else close_objects(value) for key, value in schema.items()}
    if "type" not in result and (choices := result.get("enum")) and all(isinstance(each, str) for each in choices):
        result["type"] = "string"  # n8n's conversion says so, and Gemini asks for it
    named = result.get("properties")
    if result.get("type") == "object" and isinstance(named, Mapping):
        result.setdefault("additionalProperties", False)
        if isinstance(required := result.get("required"), list):
            result["required"] = [name for name in required if name in named]
    return result


def parse_schema(text: Any) -> dict[str, Any]:
    """Return a JSON Schema that an author wrote, as text or as an object. Raise ValueError for anything else."""
    schema = json.loads(text) if isinstance(text, str) else text
    if not isinstance(schema, dict):
        raise ValueError("a JSON Schema is an object")
    return schema


def json_or_text(text: str) -> Any:
    """Return the value of a JSON text, or the text itself when it is not JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def wrap_schema(schema: Mapping[str, Any], key: str, *, required: bool = True) -> OutputSchema:
    """Return the schema of an object with the value under a key, as n8n asks models for it."""
    outer: dict[str, Any] = {"type": "object", "properties": {key: dict(schema)}}
    if required:
        outer["required"] = [key]
    return OutputSchema(outer | {"additionalProperties": False}, key)
