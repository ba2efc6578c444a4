"""Remove Duplicates: drops items that are alike within the input."""

from collections.abc import Iterator
from typing import Any, Final, Literal

from runtime.nodes.base import Context, Dynamic, Inline, Items, NodeError, Outputs, param
from runtime.values.lists.duplicates import without_duplicates
from runtime.values.problem import ProblemError
from schemas.diagnostic import Diagnostic, Location
from schemas.diagnostic.nodes import UnsupportedChoice

_WITHIN_INPUT: Final = "removeDuplicateInputItems"
_NULLS_OF_ANY_TYPE: Final = 1.1
_CATCHES: Final = 2
"""From this version on an error becomes an item under continueOnFail; before, it ends the node."""


class RemoveDuplicates(Inline):
    """What compares with earlier runs is not built."""

    type = "n8n-nodes-base.removeDuplicates"
    versions = (1, 1.1, 2)

    operation: str = param(_WITHIN_INPUT)
    compare: Dynamic[Literal["allFields", "allFieldsExcept", "selectedFields"]] = param("allFields")
    fields_to_exclude: Dynamic[str] = param("", show={"compare": ["allFieldsExcept"]})
    fields_to_compare: Dynamic[str] = param("", show={"compare": ["selectedFields"]})
    options: Dynamic[dict[str, Any]] = param({})

    def check(self, at: Location, version: float) -> Iterator[Diagnostic]:
        """The operations with a history that lasts between runs."""
        if version >= _CATCHES and self.operation != _WITHIN_INPUT:
            yield UnsupportedChoice(
                at=at.within("parameters", "operation"), type=self.type, name="operation", value=self.operation,
                advice="keep what was seen in a table or in static data, and filter by it",
            )  # fmt: skip

    def run(self, context: Context, items: Items) -> Outputs:
        """The parameters are those of the first item."""
        try:
            p = context.resolve(self, 0)
            listed = p.fields_to_exclude if p.compare == "allFieldsExcept" else p.fields_to_compare
            nulls = context.version >= _NULLS_OF_ANY_TYPE
            return [without_duplicates(items, p.compare, listed, p.options, nulls=nulls)]
        except ProblemError as problem:
            if context.continue_on_fail and context.version >= _CATCHES:
                return [[{"json": {"error": problem.message}}]]
            raise NodeError(problem.message, description=problem.description) from problem
