"""Summarize: counts, sums, lists and the like over groups of items."""

from typing import Any, Final

from runtime.contract import Context, Dynamic, Inline, Items, NodeError, Outputs, param
from runtime.values.javascript import truthy
from runtime.values.lists.fields import text_parts
from runtime.values.lists.summarizing import Summary
from runtime.values.problem import ProblemError

FIRST_FIELDS: Final = {"values": [{"aggregation": "count", "field": ""}]}
TYPED_KEYS_SINCE: Final = 1.1
"""From this version on keys keep their types, and a field that is nowhere is no error."""


class Summarize(Inline):
    """A pivot table of the items."""

    type = "n8n-nodes-base.summarize"
    versions = (1, 1.1)
    exact_values = True

    fields_to_summarize: Dynamic[dict[str, Any]] = param(FIRST_FIELDS)
    fields_to_split_by: Dynamic[str] = param("", hide={"/options.outputFormat": ["singleItem"]})
    fields_to_split_by_nested: Dynamic[str] = param(
        "", alias="fieldsToSplitBy", show={"/options.outputFormat": ["singleItem"]}
    )
    options: Dynamic[dict[str, Any]] = param({})

    def run(self, context: Context, items: Items) -> Outputs:
        """Return the summaries. The parameters are those of the first item. An error ends the node, under
        continueOnFail too.
        """
        p = context.resolve(self, 0)
        options = p.options or {}
        typed = context.version == 0 or context.version >= TYPED_KEYS_SINCE  # a node without a version is no older one
        try:
            nested = options.get("outputFormat") == "singleItem"
            summary = Summary.of(
                p.fields_to_summarize,
                text_parts(p.given("fields_to_split_by_nested" if nested else "fields_to_split_by")),
                options,
                typed=typed,
                keep_undefined=context.keeps_undefined,
                lenient=context.version >= TYPED_KEYS_SINCE or truthy(options.get("continueIfFieldNotFound")),
            )
            return [summary.items(items)]
        except ProblemError as problem:
            raise NodeError(problem.message, description=problem.description) from problem
