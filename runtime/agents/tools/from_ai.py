"""`$fromAI(...)` in the parameters of a tool: the arguments that a model fills in, as a JSON Schema. Pure."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from runtime.contract import NodeError

ESCAPE: Final = re.compile(r"\\(.)")
CALL: Final = re.compile(r"\$from(?:AI|ai|Ai)\s*\(")
TYPES: Final = {"string": {"type": "string"}, "number": {"type": "number"}, "boolean": {"type": "boolean"}}
MAX_CALLS: Final = 100
"""Calls in one parameter that are looked at: each of them may go on to its end."""
KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
KEY_RULE: Final = "A key of $fromAI() has 1 to 64 characters: letters, numbers, underscores and hyphens"
SAME_RULE: Final = "All $fromAI() calls with one key need the same description and type"
QUOTES: Final = "\"'`"


@dataclass(frozen=True)
class Argument:
    """One `$fromAI(key, description, type, defaultValue)`."""

    key: str
    description: str = ""
    type: str = "string"
    default: Any = None


def schema(parameters: Any) -> dict[str, Any]:
    """Return the JSON Schema of a tool's arguments. A key with a default is not required; `json` accepts any value (n8n)."""
    properties: dict[str, Any] = {}
    required: list[str] = []
    for each in arguments(parameters):
        if each.key in properties:
            continue
        properties[each.key] = dict(TYPES.get(each.type, {}))
        if each.description:
            properties[each.key]["description"] = each.description
        if each.default is None:
            required.append(each.key)
        else:
            properties[each.key]["default"] = each.default
    result: dict[str, Any] = {"type": "object", "properties": properties}
    return result | ({"required": required} if required else {}) | {"additionalProperties": False}


def check(parameters: Any) -> None:
    """Raise NodeError for a key that is none, and for one whose calls differ in description or type (n8n)."""
    seen: dict[str, Argument] = {}
    for each in arguments(parameters):
        if not KEY.fullmatch(each.key):
            raise NodeError(f"Parameter key `{each.key}` is invalid", description=KEY_RULE)
        first = seen.setdefault(each.key, each)
        if (first.description, first.type) != (each.description, each.type):
            message = f"Duplicate key '{each.key}' found with different description or type"
            raise NodeError(message, description=SAME_RULE)


def arguments(value: Any) -> Iterator[Argument]:
    """Yield every `$fromAI` call in these parameters, in their order."""
    if isinstance(value, str):
        if value.startswith("="):
            for match in islice(CALL.finditer(value), MAX_CALLS):
                if parts := list(_split(value, match.end())):  # none: the call has no end
                    yield _argument(parts)
        return
    children = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    for child in children:
        yield from arguments(child)


def _split(text: str, start: int) -> Iterator[str]:
    """Yield the arguments, as written, of a call whose arguments begin at `start`."""
    depth, quote, begin, i = 0, "", start, start
    while i < len(text):
        char = text[i]
        if quote:
            if char == "\\":
                i += 1
            elif char == quote:
                quote = ""
        elif char in QUOTES:
            quote = char
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            if depth == 0:
                yield text[begin:i].strip()
                return
            depth -= 1
        elif char == "," and depth == 0:
            yield text[begin:i].strip()
            begin = i + 1
        i += 1


def _argument(parts: list[str]) -> Argument:
    texts = [_literal(part) for part in parts[:4]]
    texts += [None] * (4 - len(texts))
    # n8n shows the model a description that is no literal as it is written
    description = parts[1] if len(parts) > 1 and texts[1] is None else texts[1]
    return Argument(str(texts[0] or ""), str(description or "").strip(), str(texts[2] or "string"), texts[3])


def _literal(part: str) -> Any:
    if len(part) >= 2 and part[0] in QUOTES and part[-1] == part[0]:
        return ESCAPE.sub(r"\1", part[1:-1])
    try:
        return json.loads(part)
    except ValueError:
        return None
