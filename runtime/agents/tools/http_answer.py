"""What a model reads of a response: all of it, or of JSON some fields, of HTML some elements, of text its beginning."""

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from runtime.contract import ActivityContext, NodeError
from runtime.expressions.library import LibraryError, run_library
from runtime.values.javascript import js_string
from runtime.values.paths import get, set_path, unset
from schemas.item import UNDEFINED


class Optimising(Protocol):
    """The parameters of a node that say what of a response the model reads."""

    response_type: Any
    data_field: Any
    fields_to_include: Any
    fields: Any
    css_selector: Any
    only_content: Any
    elements_to_omit: Any
    truncate_response: Any
    max_length: Any


def pretty(value: Any) -> str:
    """Return a value as JSON.stringify(value, null, 2) writes it."""
    return json.dumps(value, ensure_ascii=False, indent=2)


async def optimised(context: ActivityContext, node: Optimising, body: Any) -> str:
    """Return the part of a response's body that the author chose. Raise NodeError for a body of another kind."""
    if node.response_type == "json":
        return _fields(node, body)
    return await optimised_text(context, node, body)


async def optimised_text(context: ActivityContext, node: Optimising, body: Any) -> str:
    """Return the text of a response, or of the elements of HTML that the author chose. Raise NodeError for a selector that is none."""
    value: dict[str, Any] = {"html": body if isinstance(body, str) else pretty(body), "selector": None}
    if node.response_type == "html":
        omitted = _names(node.elements_to_omit) if node.only_content else []
        value |= {"selector": js_string(node.css_selector), "plain": bool(node.only_content), "skip": omitted}
    (found,) = await run_library(context, "html", _script(), [value])
    if isinstance(found, LibraryError):
        raise NodeError(f"The response cannot be read: {found}", description="Check the CSS selector of the tool")
    text = found if isinstance(found, str) else pretty(found)
    return text[: int(node.max_length)] if node.truncate_response else text


def _fields(node: Optimising, body: Any) -> str:
    if isinstance(body, str):
        raise NodeError("The response is not JSON", description="Set Expected Response Type to Text or HTML")
    return pretty(rows_of(node, body))


def rows_of(node: Optimising, body: Any) -> list[Any]:
    """Return the fields that the author chose of each object of JSON."""
    chosen = body
    if node.data_field:
        chosen = body.get(js_string(node.data_field)) if isinstance(body, dict) else None
    rows = chosen if isinstance(chosen, list) else [chosen]
    names = _names(node.fields)
    return [_members(row, node.fields_to_include, names) for row in rows]


def _members(row: Any, including: Any, names: list[str]) -> Any:
    if including == "selected":
        kept: dict[str, Any] = {}
        for name in names:
            if isinstance(row, dict) and (value := get(row, name)) is not UNDEFINED:
                set_path(kept, name, value)
            elif isinstance(row, dict) and "." in name:
                kept.setdefault(name.partition(".")[0], {})
        return kept
    if including == "except" and isinstance(row, dict):
        row = copy.deepcopy(row)
        for name in names:
            unset(row, name)
    return row


def _names(text: Any) -> list[str]:
    return [each.strip() for each in js_string(text or "").split(",") if each.strip()]


@cache
def _script() -> str:
    return Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
