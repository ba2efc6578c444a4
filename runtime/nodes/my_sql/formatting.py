"""Values and names in the text of MySQL statements. Every value goes through `literal`, every name through `identifier`."""

import math
import re
from collections.abc import Sequence
from typing import Any, Final

from runtime.contract import NodeError
from runtime.values.javascript import js_string

__all__ = ["format_query", "identifier", "literal"]

_QUOTED_OR_VARIABLE: Final = re.compile(
    r"""'(?:[^'\\]|\\.|'')*+'|"(?:[^"\\]|\\.|"")*+"|`[^`]*+`|\$(\d{1,6})(?!\d)(:name)?""", re.DOTALL | re.ASCII
)
_ESCAPES: Final = {
    "\0": "\\0", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\x1a": "\\Z", "'": "''", "\\": "\\\\",
}  # fmt: skip


def format_query(text: str, values: Sequence[Any]) -> str:
    """Return a query with its variables `$1` and `$1:name` replaced; those inside quotes are text.

    n8n hands out the values by number in the order of the variables' numbers, not of their places. Raises NodeError: a
    variable has no value.
    """
    if not values:
        return text
    found = [match for match in _QUOTED_OR_VARIABLE.finditer(text) if match[1]]
    order = iter(sorted((int(match[1]), match[2] or "") for match in found))
    pieces, at = [], 0
    for match in found:
        number, _ = next(order)
        if not 1 <= number <= len(values):
            raise NodeError(
                f"Parameter ${number} referenced in query but no replacement value provided at index {number}"
            )
        value = values[number - 1]
        pieces += [text[at : match.start()], identifier(js_string(value)) if match[2] else literal(value)]
        at = match.end()
    return "".join([*pieces, text[at:]])


def literal(value: Any) -> str:
    """Return a value of JSON as a literal: lists as lists of literals, objects as JavaScript shows them."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return js_string(value)
    if isinstance(value, list):
        return ", ".join(f"({literal(each)})" if isinstance(each, list) else literal(each) for each in value)
    return f"'{''.join(_ESCAPES.get(sign, sign) for sign in js_string(value))}'"


def identifier(name: str) -> str:
    """Return a name in backticks, its parts between dots each in its own."""
    parts = name.split(".") if all(name.split(".")) else [name]
    return ".".join("`" + part.replace("`", "``").replace("\0", "") + "`" for part in parts)
