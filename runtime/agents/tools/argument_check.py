"""Whether a model's arguments fit the schema of the tool that it calls. For activities: JSON Schema needs a library."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, Final

from jsonschema.exceptions import ValidationError

from runtime.agents.messages import ToolCall, ToolSpec
from runtime.agents.parsers.answer_parser import strip_unknown_fields
from runtime.agents.parsers.schema_validator import SchemaValidator
from runtime.agents.tools.toolbox import one_text

ONE_TEXT: Final = one_text()
MAX_PROBLEMS: Final = 5
MAX_CHARACTERS: Final = 300
"""Of the message of one problem, which quotes the value."""


def unfit_calls(calls: Sequence[ToolCall], tools: Sequence[ToolSpec], via: str | None) -> dict[str, str]:
    """Return id -> what the model is told, of the calls that do not fit. `via`: the tool of the answer, which is parsed."""
    schemas = {each["name"]: each["schema"] for each in tools if each["name"] != via}
    told = {call["id"]: problems(call["arguments"], schemas[call["name"]]) for call in calls if call["name"] in schemas}
    return {
        id_: f"The arguments do not fit the tool's schema: {problem}. Correct them and call the tool again."
        for id_, problem in told.items()
        if problem
    }


def unknown_tools(calls: Sequence[ToolCall], tools: Sequence[ToolSpec]) -> list[str]:
    """Return the names of tools that a model calls and does not have."""
    known = {each["name"] for each in tools}
    return [call["name"][:MAX_CHARACTERS] for call in calls if call["name"] not in known]


def problems(arguments: Any, schema: Mapping[str, Any]) -> str:
    """Return what is wrong, empty when nothing is. Fields that the schema does not know are dropped, not wrong (n8n), and a
    schema that is no JSON Schema finds nothing wrong.
    """
    if schema == ONE_TEXT:  # n8n runs a tool of one text also without it
        schema = {**ONE_TEXT, "required": []}
    errors = SchemaValidator(schema).iter_errors(strip_unknown_fields(arguments, schema))
    try:
        return "; ".join(_text(each) for each in islice(errors, MAX_PROBLEMS))
    except Exception:  # noqa: BLE001 - of a schema that an author or a server wrote anything may be raised
        return ""


def _text(error: ValidationError) -> str:
    place = error.json_path.removeprefix("$").removeprefix(".")
    message = error.message if len(error.message) <= MAX_CHARACTERS else error.message[:MAX_CHARACTERS] + "..."
    return f"{place}: {message}" if place else message
