"""IF: sends each item to true (output 0) or false (output 1)."""

from typing import Literal

from runtime.contract import Context, Dynamic, Inline, Items, Outputs, param
from runtime.nodes.conditions import FilterConditions, TypedConditions, divide, typed_conditions_hold


class IfV1(Inline):
    """IF, version 1: typed comparisons, all or any of which must hold."""

    type = "n8n-nodes-base.if"
    versions = (1,)
    exact_values = True

    conditions: Dynamic[TypedConditions] = param({})
    combine_operation: Dynamic[Literal["all", "any"]] = param("all")

    def outputs(self, version: float) -> int:
        """Return the two outputs: true and false."""
        del version
        return 2

    def run(self, context: Context, items: Items) -> Outputs:
        """Return the items unchanged. A comparison that fails ends the node, under continueOnFail too."""
        return divide(items, lambda i: self._holds(context.resolve(self, i)), continue_on_fail=False)

    def _holds(self, p: "IfV1") -> bool:
        if p.combine_operation not in ("all", "any"):
            return False
        return typed_conditions_hold(self.conditions, p.conditions, every=p.combine_operation == "all")


class IfV2(FilterConditions):
    """IF, since version 2: a filter."""

    type = "n8n-nodes-base.if"
    versions = (2, 2.1, 2.2, 2.3)
    exact_values = True

    def outputs(self, version: float) -> int:
        """Return the two outputs: true and false."""
        del version
        return 2
