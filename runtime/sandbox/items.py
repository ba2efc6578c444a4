"""What code returned, as items: n8n's rules and messages, over the JSON that left the sandbox."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import NodeError
from schemas.item import Item, Items

RESERVED: Final = ("json", "binary", "pairedItem", "error", "index")
EXAMPLE: Final = (
    "To get around this, please wrap each item in an object, under a key called <code>json</code>. "
    '<a href="https://docs.n8n.io/data/data-structure/#data-structure" target="_blank">Example</a>'
)


def all_items(outcome: Mapping[str, Any]) -> Items:
    """Return the items of code that ran once for all items. Raise NodeError for what is not a list of items."""
    if "data" not in outcome:
        if outcome["missing"] == "null":
            return []
        if outcome["missing"] == "number":  # NaN and Infinity arrive as null, and n8n trips over it
            raise NodeError("Cannot read properties of null (reading 'json')")
        raise _not_items()
    value = outcome["data"]
    if isinstance(value, list):
        _check_keys(value)
    elif not isinstance(value, dict):
        raise _not_items()
    return [_checked_item(item, i) for i, item in enumerate(_normalised(value))]


def one_item(outcome: Mapping[str, Any], i: int) -> Item | None:
    """Return the item of code that ran for input item `i`; None when it gave nothing. Raise NodeError."""
    if "data" not in outcome:
        return None
    item = outcome["data"]
    if "json" not in item:  # a function, or undefined: dropped on the way out
        item = {"json": item, "pairedItem": item["pairedItem"]}
    return _checked_item(item, i)


def _not_items() -> NodeError:
    return NodeError(
        "Code doesn't return items properly",
        description="Please return an array of objects, one for each item you would like to output.",
    )


def _check_keys(items: list[Any]) -> None:
    if not all(isinstance(item, dict) for item in items):
        raise _not_items()
    if not any(key in item for item in items for key in RESERVED):
        return
    for i, item in enumerate(items):
        unknown = next((key for key in item if key not in RESERVED), None)
        if unknown is None:
            continue
        if (reserved := next((key for key in RESERVED if key in item), None)) is not None:
            text = f"An output item contains the reserved key <code>{reserved}</code>. {EXAMPLE}"
            raise NodeError(f"Invalid output format [item {i}]", description=text)
        raise NodeError(
            f"Unknown top-level item key: {unknown} [item {i}]",
            description="Access the properties of an item under `.json`, e.g. `item.json`",
        )


def _normalised(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [value] if _truthy(value.get("json")) else [{"json": value}]
    if all("json" in item for item in value):
        return list(value)
    if any("json" in item for item in value):
        raise NodeError("Inconsistent item format")
    if all("binary" in item for item in value):
        return [{"json": {k: v for k, v in item.items() if k != "binary"}, "binary": item["binary"]} for item in value]
    if any("binary" in item for item in value):
        raise NodeError("Inconsistent item format")
    return [{"json": item} for item in value]


def _truthy(value: Any) -> bool:
    return isinstance(value, dict | list) or bool(value)


def _checked_item(item: dict[str, Any], i: int) -> Item:
    for key in ("json", "binary"):
        if key in item and not isinstance(item[key], dict):
            raise NodeError(
                f"A '{key}' property isn't an object [item {i}]",
                description=f"In the returned data, every key named '{key}' must point to an object.",
            )
    output: Item = {"json": item["json"]}
    for key in ("binary", "pairedItem", "error"):
        if key in item:
            output[key] = item[key]  # type: ignore[literal-required]
    return output
