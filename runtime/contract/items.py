"""What most nodes share: one call of their work per item, with n8n's pairing and continueOnFail."""

from collections.abc import Awaitable, Callable, Iterable

from runtime.contract.context import Context
from runtime.contract.errors import NodeError
from schemas.item import Item, Items, Outputs, PairedItem

__all__ = ["each_item", "each_item_async", "error_item", "paired"]


def error_item(error: NodeError, i: int) -> Item:
    """What most nodes of n8n put in place of a failing item: `{error: message}`."""
    return {"json": {"error": error.message}, "pairedItem": {"item": i}}


def each_item(context: Context, items: Items, work: Callable[[int, Item], Item | Iterable[Item] | None]) -> Outputs:
    """Call `work` per item and pair its results with the item. A NodeError becomes an error item under
    continueOnFail and is raised (with its item index) otherwise.
    """
    out: Items = []
    for i, item in enumerate(items):
        try:
            made = work(i, item)
            results = [] if made is None else [made] if isinstance(made, dict) else list(made)
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
    context: Context, items: Items, work: Callable[[int, Item], Awaitable[Item | list[Item] | None]]
) -> Outputs:
    """`each_item` for work that waits; the items are taken one after the other."""
    out: Items = []
    for i, item in enumerate(items):
        try:
            made = await work(i, item)
            results = [] if made is None else made if isinstance(made, list) else [made]
        except NodeError as error:
            if error.item is None:
                error.item = i
            if not context.continue_on_fail:
                raise
            results = [error_item(error, i)]
        for result in results:
            result.setdefault("pairedItem", paired(i))
            out.append(result)
    return [out]


def paired(i: int) -> PairedItem:
    """The pairing with item `i` of input 0."""
    return {"item": i}
