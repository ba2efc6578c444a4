"""Limit: keeps the first or the last items."""

from typing import Literal

from runtime.contract import Context, Dynamic, Inline, Items, Outputs, param
from runtime.values.slices import limit_items


class Limit(Inline):
    """Keeps at most so many items."""

    type = "n8n-nodes-base.limit"
    versions = (1,)
    exact_values = True

    max_items: Dynamic[float] = param(1)
    keep: Dynamic[Literal["firstItems", "lastItems"]] = param("firstItems")

    def run(self, context: Context, items: Items) -> Outputs:
        """Return the first or last items. The parameters are those of the first item."""
        p = context.resolve(self, 0)
        if p.is_undefined("max_items"):
            return [items]
        return [limit_items(items, p.max_items, p.keep)]
