"""The inputs of another workflow as a node maps them: values by name, converted to the types that the workflow declares."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from runtime.values.dates import Instant
from runtime.values.problem import ProblemError
from runtime.values.validation import validate_field
from schemas.item import UNDEFINED

__all__ = ["input_types", "mapped_inputs"]


def input_types(mapper: Mapping[str, Any]) -> dict[str, str]:
    """Return the declared type of each input."""
    return {str(each.get("id")): str(each.get("type", "any")) for each in mapper.get("schema") or ()}


def mapped_inputs(mapper: Mapping[str, Any], names: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """Yield name and converted value; null counts as nothing (UNDEFINED) where a type is declared, as in n8n.

    Raise ProblemError for a value that does not fit its type; its message ends with the input's name in quotes.
    """
    types = input_types(mapper)
    strict, parse = not mapper.get("attemptToConvertTypes"), bool(mapper.get("convertFieldsToString"))
    values = mapper.get("value") or {}
    for name in names:
        value = values.get(name, UNDEFINED)
        if name not in types:
            yield name, value
            continue
        if value is None or value is UNDEFINED:
            yield name, UNDEFINED
            continue
        if types[name] == "string" and strict and not parse:  # n8n takes any value for text then
            yield name, value
            continue
        checked = validate_field(name, value, types[name], strict=strict, parse_strings=parse)
        if checked.error is not None:
            raise ProblemError(f"Invalid input for '{name}'", description=checked.error)
        yield name, checked.value.iso() if isinstance(checked.value, Instant) else checked.value
