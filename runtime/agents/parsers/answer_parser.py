"""Parse the JSON of a model's answer and validate it against its schema. Runs inside activities only."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypedDict

from runtime.agents.messages import Message, joined_text

EMPTY = "The AI model returned an empty response to the Structured Output Parser"
FENCE = "```"
LANGUAGE = "json"


class ParsedAnswer(TypedDict, total=False):
    """The value of an answer, or the problem with its text."""

    value: Any
    problem: str
    text: str
    empty: bool
    """The model returned nothing: as a rule it ran out of tokens."""
    absent: bool
    """The answer fits and has no value: its wrapper may be left out, and was."""


def parse_answer(
    message: Message, schema: Mapping[str, Any], *, via: str | None, unwrap: str | None
) -> ParsedAnswer | None:
    """Return the JSON of the model's answer, or the problem with it; None when the model calls other tools first.

    `via` names the tool whose arguments are the answer; None: the answer is text. `unwrap` is the key of the JSON that has
    the value; None: the whole.
    """
    calls = message.get("tool_calls") or []
    final = next((call for call in calls if call["name"] == via), None)
    if (
        final is not None
        and isinstance(given := final["arguments"].get("input"), list)
        and len(final["arguments"]) == 1
    ):
        return {"problem": "a list is no answer", "text": json.dumps(given, ensure_ascii=False)}  # see `arguments_of`
    if final is not None and unwrap is not None and final["arguments"].get(unwrap, "") is None:
        return {"problem": EMPTY, "text": "", "empty": True}
    if final is not None:
        return validate(final["arguments"], schema, unwrap, json.dumps(final["arguments"], ensure_ascii=False))
    if calls:
        return None
    text = joined_text(message)
    if unwrap is not None and not text.strip():
        return {"problem": EMPTY, "text": text, "empty": True}
    try:
        value = loads(text)
    except ValueError as error:
        return {"problem": str(error), "text": text}
    if via is not None and unwrap is not None and not (isinstance(value, dict) and unwrap in value):
        wrapped = validate(
            {unwrap: value}, schema, unwrap, text
        )  # n8n: an agent may leave it out when it answers in text
        if "value" in wrapped or not isinstance(value, dict) or _is_json(text):
            return wrapped
    return validate(value, schema, unwrap, text)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def loads(text: str) -> Any:
    """Return the value of a JSON text, or of the first Markdown code block in it. Raise ValueError, of the whole text."""
    try:
        return json.loads(text)
    except ValueError as error:
        for block in _blocks(text):
            try:
                return json.loads(block)
            except ValueError:
                continue
        raise error from None


def _blocks(text: str) -> Iterator[str]:
    """Yield the first code block of a text that begins a line: up to its end; up to the last fence, as JSON may hold fences; without
    an end.
    """
    _, found, block = f"\n{text}".partition(f"\n{FENCE}")
    if not found:
        return
    if block[: len(LANGUAGE)].lower() == LANGUAGE:
        block = block[len(LANGUAGE) :]
    yield block.partition(FENCE)[0]
    yield block.rpartition(FENCE)[0]
    yield block


def validate(value: Any, schema: Mapping[str, Any], unwrap: str | None, text: str) -> ParsedAnswer:
    """Return the value without fields that the schema does not know, or the first problem when it is not valid.

    `text` is the answer as the model wrote it.
    """
    from runtime.agents.parsers.schema_validator import errors_of  # noqa: PLC0415 - heavy; compiling needs none of it

    value = strip_unknown_fields(value, schema)
    if unwrap in schema.get("required", ()) and isinstance(value, dict) and unwrap not in value:
        if schema["properties"][unwrap].get("type") == "array":  # of a list n8n never says that it is empty
            return {"problem": f"'{unwrap}' is a required property", "text": text}
        return {"problem": EMPTY, "text": text, "empty": True}
    error = next(iter(sorted(errors_of(value, schema), key=lambda each: len(each.absolute_path))), None)
    if error is not None:
        place = "/".join(map(str, error.absolute_path))
        return {"problem": f"{place + ': ' if place else ''}{error.message}", "text": text}
    if unwrap is not None and unwrap not in value:
        return {"value": None, "absent": True}
    return {"value": value[unwrap] if unwrap is not None else value}


def strip_unknown_fields(value: Any, schema: Any) -> Any:
    """Return the value without unknown fields of closed objects, which are no error (n8n), and with defaults for those that are
    missing.
    """
    if not isinstance(schema, Mapping):
        return value
    if isinstance(value, dict) and isinstance(properties := schema.get("properties"), Mapping):
        closed = schema.get("additionalProperties") is False
        kept = {
            key: strip_unknown_fields(each, properties.get(key))
            for key, each in value.items()
            if not closed or key in properties
        }
        declared = ((key, each) for key, each in properties.items() if isinstance(each, Mapping) and "default" in each)
        return kept | {key: each["default"] for key, each in declared if key not in kept}
    if isinstance(value, list):
        return [strip_unknown_fields(each, schema.get("items")) for each in value]
    return value
