"""Query strings and urlencoded forms, nested values included, as node's `qs` writes them."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal
from urllib.parse import parse_qsl, quote

from runtime.values.javascript import js_string, property_order
from schemas.item import UNDEFINED

ArrayFormat = Literal["indices", "brackets", "repeat"]


def encode_component(text: str) -> str:
    """Percent-encode everything but RFC 3986's unreserved characters; a space is `%20`."""
    return quote(text.encode("utf-8", "replace"), safe="")


def stringify(value: Any, arrays: ArrayFormat = "indices") -> str:
    """Write nested values as a query: `{"a": [1], "o": {"k": true}}` becomes `a%5B0%5D=1&o%5Bk%5D=true`. Undefined,
    `{}` and `[]` leave nothing, null is empty.

    A top-level array counts as an object with its indexes as keys; any other value gives ''.
    """
    if isinstance(value, list):
        value = {str(i): each for i, each in enumerate(value)}
    if not isinstance(value, Mapping):
        return ""
    pairs = (pair for key in property_order(dict(value)) for pair in _flatten(key, value[key], arrays))
    return "&".join(f"{encode_component(key)}={encode_component(text)}" for key, text in pairs)


def _flatten(key: str, value: Any, arrays: ArrayFormat) -> Iterator[tuple[str, str]]:
    if value is UNDEFINED:
        return
    if isinstance(value, list):
        for i, each in enumerate(value):
            yield from _flatten({"indices": f"{key}[{i}]", "brackets": f"{key}[]", "repeat": key}[arrays], each, arrays)
    elif isinstance(value, Mapping):
        for inner in property_order(dict(value)):
            yield from _flatten(f"{key}[{inner}]", value[inner], arrays)
    else:
        yield key, "" if value is None else js_string(value)


def stringify_loosely(value: dict[str, Any] | list[Any]) -> str:
    """Return `value` as axios writes forms: `+` for a space, `a[]` for each entry of a plain list, null left out."""
    entries = enumerate(value) if isinstance(value, list) else ((key, value[key]) for key in property_order(value))
    pairs = (pair for key, each in entries for pair in _loosely(str(key), each))
    return "&".join(f"{_loose_component(key)}={_loose_component(text)}" for key, text in pairs)


def _loosely(key: str, value: Any) -> Iterator[tuple[str, str]]:
    if value is UNDEFINED or value is None:
        return
    if isinstance(value, list):
        plain = not any(isinstance(each, dict | list) for each in value)
        for i, each in enumerate(value):
            yield from _loosely(f"{key}[]" if plain else f"{key}[{i}]", each)
    elif isinstance(value, Mapping):
        for inner in property_order(dict(value)):
            yield from _loosely(f"{key}[{inner}]", value[inner])
    else:
        yield key, js_string(value)


def _loose_component(text: str) -> str:
    return quote(text.encode("utf-8", "replace"), safe=" *").replace(" ", "+").replace("~", "%7E")


def parse_form(text: str) -> dict[str, str]:
    """Return the decoded names and values of `a=1&b=x+y`. Of a name that comes twice the last one counts."""
    return dict(parse_qsl(text, keep_blank_values=True))
