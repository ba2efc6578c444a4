"""Read the JSON out of a model's answer and hold it against its schema. Runs inside activities only."""

import json
import re
from collections.abc import Mapping
from typing import Any, TypedDict

from runtime.agents.messages import Message, text_of

EMPTY = "The AI model returned an empty response to the Structured Output Parser"
FENCE = re.compile(r"\A\s*```(?:json)?\s*\n?(.*?)\n?\s*```\s*\Z", re.DOTALL | re.IGNORECASE)


class Read(TypedDict, total=False):
    """A value, or the problem with the text it was to be in."""

    value: Any
    problem: str
    text: str
    empty: bool
    """Nothing was handed over: as a rule the model ran out of tokens."""


def read(message: Message, schema: Mapping[str, Any], *, via: str | None, unwrap: str | None) -> Read | None:
    """What the model handed over; None when it asks for other tools first."""
    calls = message.get("tool_calls") or []
    handed = next((call for call in calls if call["name"] == via), None)
    if handed is not None and unwrap is not None and handed["arguments"].get(unwrap) is None:
        return {"problem": EMPTY, "text": "", "empty": True}
    if handed is not None:
        return held(handed["arguments"], schema, unwrap, json.dumps(handed["arguments"], ensure_ascii=False))
    if calls:
        return None
    text = text_of(message)
    try:
        value = loads(text)
    except ValueError as error:
        return {"problem": str(error), "text": text}
    if via is not None and unwrap is not None and not (isinstance(value, dict) and unwrap in value):
        value = {unwrap: value}  # n8n: an agent may leave out the wrapper when it answers in text
    return held(value, schema, unwrap, text)


def loads(text: str) -> Any:
    """JSON, maybe in a Markdown code block. Raises ValueError."""
    found = FENCE.match(text)
    return json.loads(found[1] if found else text)


def held(value: Any, schema: Mapping[str, Any], unwrap: str | None, text: str) -> Read:
    """The value without what the schema does not know, if it is valid."""
    from jsonschema import Draft7Validator  # noqa: PLC0415 - heavy, and compiling an export needs none of it

    value = stripped(value, schema)
    error = next(
        iter(sorted(Draft7Validator(schema).iter_errors(value), key=lambda each: len(each.absolute_path))), None
    )
    if error is not None:
        place = "/".join(map(str, error.absolute_path))
        return {"problem": f"{place + ': ' if place else ''}{error.message}", "text": text}
    return {"value": value.get(unwrap) if unwrap is not None else value}


def stripped(value: Any, schema: Any) -> Any:
    """Unknown fields of closed objects are dropped and not an error (n8n)."""
    if not isinstance(schema, Mapping):
        return value
    if isinstance(value, dict) and isinstance(properties := schema.get("properties"), Mapping):
        shut = schema.get("additionalProperties") is False
        return {
            key: stripped(each, properties.get(key)) for key, each in value.items() if not shut or key in properties
        }
    if isinstance(value, list):
        return [stripped(each, schema.get("items")) for each in value]
    return value
