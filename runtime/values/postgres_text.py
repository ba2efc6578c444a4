"""The variables of a query, `$1`, `$1:name`, `$1:csv` and so on, replaced by quoted values: the language of pg-promise.

n8n's queries may hold several statements, and variables in places where a server takes no parameter (identifiers, lists, DDL), so
that values are quoted here and not sent beside the text. Every value goes through `literal` or `identifier`; only `:raw` and
`:value`, which an author writes for that purpose, do not.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from runtime.values.javascript import js_string, json_stringify
from schemas.sql import DatabaseError

__all__ = ["format_query", "identifier", "literal"]

_VARIABLE: Final = re.compile(r"\$([1-9]\d{0,5})(?!\d)(:raw|:alias|:name|:json|:csv|:list|:value|\^|~|#)?", re.ASCII)
_QUOTED: Final = re.compile(r"'\$([1-9]\d{0,5})'", re.ASCII)
_SIMPLE: Final = re.compile(r"[a-z_][a-z0-9_$]*", re.ASCII)


def format_query(text: str, values: Sequence[Any], *, quoted_is_text: bool = False) -> str:
    """Return a query with its variables replaced; a variable without a value stays as it is.

    `quoted_is_text`: `'$1'` is no variable. Raises DatabaseError: a value is none that its place can have.
    """
    if not values:
        return text

    def value(match: re.Match[str]) -> str:
        number = int(match[1])
        if number > len(values):
            return match[0]
        return _FILTERS[match[2]](values[number - 1])

    if not quoted_is_text:
        return _VARIABLE.sub(value, text)
    pieces, at = [], 0
    for kept in _QUOTED.finditer(text):
        pieces += [_VARIABLE.sub(value, text[at : kept.start()]), kept[0]]
        at = kept.end()
    return "".join([*pieces, _VARIABLE.sub(value, text[at:])])


def literal(value: Any) -> str:
    """Return a value of JSON as a literal of SQL: objects as JSON, lists as arrays."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        return "'NaN'" if math.isnan(value) else "'+Infinity'" if value > 0 else "'-Infinity'"
    if isinstance(value, int | float):
        text = js_string(value)
        return f"({text})" if text.startswith("-") else text  # `1-$1` is no comment
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, list):
        return _array(value)
    return _quoted(_json(value))


def identifier(value: Any) -> str:
    """Return a name, or a list of names, in double quotes; `*` is itself. Raises DatabaseError: it is no name."""
    if isinstance(value, str) and value:
        return _name(value)
    if isinstance(value, list) and value and all(isinstance(each, str) and each for each in value):
        return ",".join(map(_name, value))
    if isinstance(value, Mapping) and value:
        return ",".join(map(_name, value))
    raise DatabaseError(
        f"Invalid sql name: {js_string(value) if not isinstance(value, str) else json_stringify(value)}"
    )


def _name(text: str) -> str:
    return text if text == "*" else '"' + _without_nul(text).replace('"', '""') + '"'


def _quoted(text: str) -> str:
    """Return a string literal that means the same whatever the server's `standard_conforming_strings` is."""
    inner = _without_nul(text).replace("'", "''")
    return " E'" + inner.replace("\\", "\\\\") + "'" if "\\" in inner else f"'{inner}'"


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise DatabaseError("invalid message format")  # Postgres has no character U+0000
    return text


def _array(values: Sequence[Any]) -> str:
    if not values:
        return "'{}'"

    def inner(each: Any) -> str:
        return f"[{','.join(map(inner, each))}]" if isinstance(each, list) else literal(each)

    return f"array[{','.join(map(inner, values))}]"


def _json(value: Any) -> str:
    return json_stringify(value) or "null"


def _csv(value: Any) -> str:
    values = list(value.values()) if isinstance(value, Mapping) else value if isinstance(value, list) else [value]
    return ",".join(map(literal, values))


def _raw(value: Any) -> str:
    if value is None:
        raise DatabaseError("Values null/undefined cannot be used as raw text.")
    return _without_nul(_json(value) if isinstance(value, Mapping | list) else js_string(value))


def _alias(value: Any) -> str:
    if not isinstance(value, str) or not value:
        return identifier(value)
    parts = [each for each in value.split(".") if each]
    return ".".join(each if _SIMPLE.fullmatch(each) else identifier(each) for each in parts)


_FILTERS: Final[Mapping[str | None, Callable[[Any], str]]] = {
    None: literal,
    ":raw": _raw,
    "^": _raw,
    ":value": lambda value: _raw(value).replace("'", "''"),
    "#": lambda value: _raw(value).replace("'", "''"),
    ":name": identifier,
    "~": identifier,
    ":alias": _alias,
    ":json": lambda value: _quoted(_json(value)),
    ":csv": _csv,
    ":list": _csv,
}
