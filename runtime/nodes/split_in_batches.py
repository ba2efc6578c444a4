"""Loop Over Items (Split in Batches): gives its items out batch by batch, and what came back at the end.

Its state is n8n's node context, which expressions read as `$('Loop').context`.
"""

import math
from typing import Any, ClassVar

from runtime.contract import Context, Dynamic, Inline, Item, Items, Outputs, param
from runtime.values.javascript import js_number, tidy
from runtime.values.slices import splice
from schemas.plan import Loop


class _Batches(Inline):
    """The batches and the loop's state, common to the three versions."""

    batch_size: Dynamic[float] = param(10)
    options: Dynamic[dict[str, Any]] = param({})

    def _next(self, context: Context, items: Items) -> Items:
        """Return the next batch; the first call and `reset` (true, and nothing else) take the input as the items to give out."""
        memory = context.memory
        p = context.resolve(self, 0)
        size, options = p.batch_size, p.options or {}  # an option that fails does so in every run
        if context.run_index == 0 or "items" not in memory or options.get("reset") is True:
            batch = self._first(memory, context, items, size)
        else:
            batch = self._later(memory, context, items, size)
        memory["noItemsLeft"] = not memory["items"]
        return batch

    def _first(self, memory: dict[str, Any], context: Context, items: Items, size: Any) -> Items:
        memory["currentRunIndex"] = 0
        memory["maxRunIndex"] = _rounds(len(items), size)
        memory["sourceData"] = list(context.source)
        memory["items"] = list(items)
        memory["processedItems"] = []
        return splice(memory["items"], size)

    def _later(self, memory: dict[str, Any], context: Context, items: Items, size: Any) -> Items:
        memory["currentRunIndex"] += 1
        batch = splice(memory["items"], size)
        source = context.source[0] if context.source else None
        memory["processedItems"].extend(
            item | {"pairedItem": {"sourceOverwrite": source, "item": i}} for i, item in enumerate(items)
        )
        first = memory["sourceData"][0] if memory["sourceData"] else None
        return [_overwritten(item, first) for item in batch]


def _rounds(count: int, size: Any) -> Any:
    number = js_number(size)
    if number == 0 or number != number:  # noqa: PLR0124  # NaN
        return None
    return tidy(math.ceil(count / number))


def _overwritten(item: Item, source: Any) -> Item:
    """Return the item paired with the input of the first call, so that the trail skips the body of the loop."""
    paired: Any = item.get("pairedItem")
    if isinstance(paired, list):
        turned: Any = [_with_source(each, source) for each in paired]
    else:
        turned = _with_source(paired, source)
    return {**item, "pairedItem": turned}


def _with_source(paired: Any, source: Any) -> Any:
    if isinstance(paired, int):
        paired = {"item": paired}
    return {**(paired or {}), "sourceOverwrite": source}


class SplitInBatchesV1(_Batches):
    """Version 1: one output; when nothing is left, the branch ends."""

    type = "n8n-nodes-base.splitInBatches"
    versions = (1,)
    exact_values = True

    def loop_outputs(self, version: float) -> Loop:
        """Return that the only output is the loop."""
        del version
        return Loop(body=0)

    def run(self, context: Context, items: Items) -> Outputs | None:
        """Return the next batch, or nothing at all."""
        batch = self._next(context, items)
        return [batch] if batch else None


class SplitInBatchesV2(_Batches):
    """Version 2: loop, done."""

    type = "n8n-nodes-base.splitInBatches"
    versions = (2,)
    exact_values = True

    def outputs(self, version: float) -> int:
        """Return the two outputs: loop and done."""
        del version
        return 2

    def loop_outputs(self, version: float) -> Loop:
        """Return that the first output is the loop."""
        del version
        return Loop(body=0, done=1)

    def run(self, context: Context, items: Items) -> Outputs:
        """Return the next batch, or all that came back."""
        batch = self._next(context, items)
        context.memory["done"] = not batch
        return [batch, []] if batch else [[], list(context.memory["processedItems"])]


class SplitInBatchesV3(_Batches):
    """Version 3: done, loop."""

    type = "n8n-nodes-base.splitInBatches"
    versions: ClassVar[tuple[float, ...]] = (3,)
    exact_values = True

    batch_size: Dynamic[float] = param(1)

    def outputs(self, version: float) -> int:
        """Return the two outputs: done and loop."""
        del version
        return 2

    def loop_outputs(self, version: float) -> Loop:
        """Return that the second output is the loop."""
        del version
        return Loop(body=1, done=0)

    def run(self, context: Context, items: Items) -> Outputs:
        """Return the next batch, or all that came back."""
        batch = self._next(context, items)
        context.memory["done"] = not batch
        return [[], batch] if batch else [list(context.memory["processedItems"]), []]
