"""Helpers of nodes that work item by item: one call per item, with n8n's pairing and continueOnFail."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from runtime.contract.context import Context
from runtime.contract.errors import NodeError
from runtime.values.javascript import js_string
from runtime.values.objects import UNSAFE_KEYS, safe_copy
from schemas.item import UNDEFINED, Item, Items, Outputs, PairedItem

__all__ = ["attempt_each", "each_item", "each_item_async", "error_item", "paired", "result_name", "with_result"]

T = TypeVar("T")


def result_name(name: Any, i: int) -> str:
    """Return the name of the field that an item's result goes into, as the nodes read it that look into it for a dot first.

    Raise NodeError for what has no `includes`; a list has one, and is written as text.
    """
    if name is None or name is UNDEFINED:
        raise NodeError(f"Cannot read properties of {js_string(name)} (reading 'includes')", item=i)
    if not isinstance(name, str | list):
        raise NodeError("dataPropertyName.includes is not a function", item=i)
    return js_string(name)


def with_result(json: Any, name: str, result: Any) -> dict[str, Any]:
    """Return a copy of an item's json with the result of the nodes that look into its name for a dot first: with one they copy the item
    deeply, and without one they write to no member of an unsafe name.
    """
    if "." in name:
        return {**safe_copy(json), name: result}
    return dict(json) if name in UNSAFE_KEYS else {**json, name: result}


def error_item(error: NodeError, i: int) -> Item:
    """Return the item `{error: message}` that most nodes of n8n put in place of a failing item."""
    return {"json": {"error": error.message}, "pairedItem": {"item": i}}


def each_item(context: Context, items: Items, work: Callable[[int, Item], Item | Iterable[Item] | None]) -> Outputs:
    """Call `work` per item, pair its results with the item, and return them as one output.

    A NodeError becomes an error item under continueOnFail and is raised (with its item index) otherwise.
    """
    out: Items = []
    for i, item in enumerate(items):
        try:
            value = work(i, item)
            results = [] if value is None else [value] if isinstance(value, dict) else list(value)
        except NodeError as error:
            if error.item is None:
                error.item = i
            if not context.continue_on_fail:
                raise
            results = [error_item(error, i)]
        for result in results:
            result.setdefault("pairedItem", paired(i))
            out.append(result)  # type: ignore[arg-type]
    return [out]


async def each_item_async(
    context: Context,
    items: Items,
    work: Callable[[int, Item], Awaitable[Item | list[Item] | None]],
    failed: Callable[[NodeError, int], Item] = error_item,
) -> Outputs:
    """Do as `each_item` with an async function, one item after the other. `failed` makes the item for an error."""
    out: Items = []
    for i, item in enumerate(items):
        try:
            value = await work(i, item)
            results = [] if value is None else value if isinstance(value, list) else [value]
        except NodeError as error:
            if error.item is None:
                error.item = i
            if not context.continue_on_fail:
                raise
            results = [failed(error, i)]
        for result in results:
            result.setdefault("pairedItem", paired(i))
            out.append(result)
    return [out]


def attempt_each(items: Items, work: Callable[[int], T]) -> list[T | NodeError]:
    """Return what `work` returns for each item, or the NodeError that it raised: for nodes that then handle all items at once."""
    found: list[T | NodeError] = []
    for i in range(len(items)):
        try:
            found.append(work(i))
        except NodeError as error:
            if error.item is None:
                error.item = i
            found.append(error)
    return found


def paired(i: int) -> PairedItem:
    """Return the pairing with item `i` of input 0."""
    return {"item": i}
