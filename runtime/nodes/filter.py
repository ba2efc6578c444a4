"""Filter: keeps the items that match (output 0); the others are output 1, which no editor shows."""

from typing import Literal

from runtime.contract import Context, Dynamic, Inline, Items, Outputs, param
from runtime.nodes.conditions import FilterConditions, TypedConditions, divide, typed_conditions_hold


class FilterV1(Inline):
    """Filter, version 1: typed comparisons, all (AND) or any (OR) of which must hold."""

    type = "n8n-nodes-base.filter"
    versions = (1,)
    exact_values = True

    conditions: Dynamic[TypedConditions] = param({})
    combine_conditions: Dynamic[Literal["AND", "OR"]] = param("AND")

    def run(self, context: Context, items: Items) -> Outputs:
        """Return kept and discarded items. A comparison that fails ends the node, under continueOnFail too."""
        return divide(items, lambda i: self._holds(context.resolve(self, i)), continue_on_fail=False)

    def _holds(self, p: "FilterV1") -> bool:
        if p.combine_conditions not in ("AND", "OR"):
            return False
        return typed_conditions_hold(self.conditions, p.conditions, every=p.combine_conditions == "AND")


class FilterV2(FilterConditions):
    """Filter, since version 2."""

    type = "n8n-nodes-base.filter"
    versions = (2, 2.1, 2.2, 2.3)
    exact_values = True
