"""The values of a query's variables: the option Query Parameters, as its author wrote it."""

from collections.abc import Mapping
from typing import Any

from runtime.contract import NodeError
from runtime.values.javascript import js_string, json_stringify

__all__ = ["query_values"]


def query_values(given: Any, version: float, written: str) -> list[Any]:
    """Return the values of `queryReplacement`.

    `given`: text, a value, or `{"$parts": [...]}`, text with expressions (`schemas.node.ParamInfo.resolvables`); `written`: the
    option before its expressions were evaluated. Before version 2.5
    each part between commas is a value, with the type of its expression; from then on expressions alone count, and their text is
    taken apart at commas. Raises NodeError: it is neither text nor a list.
    """
    if isinstance(given, Mapping) and isinstance(parts := given.get("$parts"), list):
        return _by_commas(parts) if version < 2.5 else _by_expressions(parts)  # a typeVersion
    if isinstance(given, list):
        return list(given)
    if version < 2.5 and written.startswith("=") and isinstance(given, str | bool | int | float):
        return [given]
    if isinstance(given, bool | int | float):
        return [js_string(given)]
    if isinstance(given, str):
        return _texts(given)
    raise NodeError("Query Parameters must be a string of comma-separated values or an array of values")


def _texts(text: str) -> list[Any]:
    return [each.strip() for each in text.split(",") if each]


def _by_expressions(parts: list[Any]) -> list[Any]:
    values: list[Any] = []
    for part in parts:
        if isinstance(part, str):
            continue
        if not part:
            continue
        value = part[0]
        if isinstance(value, list):
            values += value
        elif isinstance(value, Mapping):
            values.append(json_stringify(value))
        elif value is None:
            values.append("null")
        else:
            text = js_string(value)
            values += [text] if _is_json(text) else _texts(text)
    return values


def _is_json(text: str) -> bool:
    return text.startswith("{") and text.endswith("}")


def _by_commas(parts: list[Any]) -> list[Any]:
    """Return a value per comma-separated part: that of the first expression in it, else its text."""
    fields: list[list[Any]] = [[]]
    for part in parts:
        if not isinstance(part, str):
            fields[-1].append(part)
            continue
        first, *others = part.split(",")
        fields[-1].append(first)
        fields += ([each] for each in others)
    values: list[Any] = []
    for field in fields:
        evaluated = [part[0] if part else None for part in field if not isinstance(part, str)]
        text = "".join(part for part in field if isinstance(part, str))
        if evaluated:
            values.append(evaluated[0])
        elif text:
            values.append(text.strip())
    return values
