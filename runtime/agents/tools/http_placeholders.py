"""`{placeholder}`s in the parameters of the HTTP Request Tool: the arguments that a model gives, and where they go. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from runtime.agents.messages import dumps
from runtime.values.javascript import js_string

PLACEHOLDER: Final = re.compile(r"\{([a-zA-Z0-9_-]{1,64})\}")
TYPES: Final[dict[str, dict[str, Any]]] = {
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "json": {"type": "object", "additionalProperties": {}},
}
"""Kinds of placeholders that are no texts."""
WHOLE: Final = {"query": ("qs", "Query"), "headers": ("headers", "Headers"), "body": ("body", "Body")}
"""Part of a request -> argument for the whole of it, and its name in the description."""


@dataclass(frozen=True)
class Argument:
    """One argument of the tool."""

    name: str
    required: bool
    schema: Mapping[str, Any]


def rows(collection: Any) -> Any:
    """Return the rows of a fixed collection."""
    return collection.get("values") if isinstance(collection, Mapping) else collection


def defined(entries: Any) -> dict[str, dict[str, Any]]:
    """Return name -> JSON Schema of the placeholders that the author defines."""
    schemas = {}
    for row in entries if isinstance(entries, list) else []:
        schema = dict(TYPES.get(row.get("type", ""), {"type": "string"}))
        if row.get("description"):
            schema["description"] = js_string(row["description"])
        schemas[js_string(row.get("name", ""))] = schema
    return schemas


def named(text: Any, schemas: Mapping[str, Mapping[str, Any]]) -> Iterator[Argument]:
    """Yield the arguments that a text names, each required. An expression is looked through as it is written."""
    for name in dict.fromkeys(PLACEHOLDER.findall(text if isinstance(text, str) else "")):
        yield Argument(name, True, schemas.get(name, {"type": "string"}))


def of_pairs(entries: Any, schemas: Mapping[str, Mapping[str, Any]]) -> Iterator[Argument]:
    """Yield the arguments of name-value pairs: those that the model gives, and those in fixed values."""
    for row in entries if isinstance(entries, list) else []:
        name, provider = js_string(row.get("name", "")), row.get("valueProvider", "modelRequired")
        if provider == "fieldValue":
            yield from named(row.get("value"), schemas)
        elif name:
            yield Argument(name, provider == "modelRequired", schemas.get(name, {"type": "string"}))


def whole(part: str) -> Argument:
    """Return the argument for all of the query, the headers or the body."""
    name, title = WHOLE[part]
    described = f"{title} parameters for request as key value pairs"
    return Argument(name, True, {"type": "object", "additionalProperties": {}, "description": described})


def filled(text: str, arguments: Mapping[str, Any]) -> str:
    """Return the text with the arguments in the places of their placeholders; the others stay."""

    def value(match: re.Match[str]) -> str:
        given = arguments.get(match[1])
        if given is None:
            return match[0]
        return dumps(given) if isinstance(given, dict | list) else js_string(given)

    return PLACEHOLDER.sub(value, text)


def pairs(entries: Any, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the name-value pairs with the model's values. What it leaves out is not sent."""
    fixed, given = dict[str, Any](), dict[str, Any]()
    for row in entries if isinstance(entries, list) else []:
        name = js_string(row.get("name", ""))
        if row.get("valueProvider") == "fieldValue":
            fixed[name] = filled(js_string(row.get("value", "")), arguments)
        elif arguments.get(name) is not None:
            given[name] = arguments[name]
    return fixed | given
