"""Merge by SQL: a query over the items of the inputs, which are its tables. n8n's dialect is AlaSQL's, and so is ours."""

import math
from typing import Any, ClassVar, Final, Literal

from runtime.contract import Activity, ActivityContext, Dynamic, Items, NodeError, Outputs, param
from runtime.values.javascript import js_string
from schemas.item import Item, PairedItem

_SQL: Final = "combineBySql"
_TELLS_EMPTY: Final = 3.2
_PAIRS: Final = 3.1
_MOST_INPUTS: Final = 10
"""As many as n8n's editor offers."""


class MergeBySql(Activity):
    """The items that the query gives, each paired with those that it comes from where the query is a plain one."""

    type = "n8n-nodes-base.merge"
    versions = (3, 3.1, 3.2)
    when: ClassVar = {"mode": [_SQL]}
    input_count = 2
    local = True
    may_hold_code = True  # AlaSQL's queries may

    mode: Literal["append", "combine", "combineBySql", "chooseBranch"] = param("append")
    number_inputs: int = param(2)
    query: Dynamic[str] = param(
        "SELECT * FROM input1 LEFT JOIN input2 ON input1.name = input2.id", required=True, resolvables="text"
    )
    options: Dynamic[dict[str, Any]] = param({})

    def required_inputs(self, version: float) -> int:
        """Return how many inputs must have run: one."""
        del version
        return 1

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Run the query once. Raise NodeError with the message of the library."""
        from runtime.sandbox.sql import run_query  # noqa: PLC0415  # workflow code imports this package, too

        del items
        p = context.resolve(self, 0)
        inputs = [each or [] for each in context.inputs]
        inputs += [[] for _ in range(min(int(p.number_inputs or 2), _MOST_INPUTS) - len(inputs))]
        options: Any = p.options
        options = options if isinstance(options, dict) else {}
        parameters = _parameters(options.get("queryParameters"))
        try:
            result = await run_query(context, js_string(p.query), inputs, parameters, pairs=context.version >= _PAIRS)
        except NodeError as error:
            raise NodeError("Issue while executing query", description=error.message) from error
        everything: list[PairedItem] = [
            {"item": i, "input": place} for place, each in enumerate(inputs) for i in range(len(each))
        ]
        if not result.rows:
            return [_empty(context.version, options, everything)]
        paired = result.paired or [everything] * len(result.rows)
        output: Items = [{"json": row, "pairedItem": pairs} for row, pairs in zip(result.rows, paired, strict=True)]
        return [output]


def _empty(version: float, options: dict[str, Any], everything: list[PairedItem]) -> Items:
    """Return what a query without rows gives."""
    if version >= _TELLS_EMPTY and options.get("emptyQueryResult", "empty") == "empty":
        return []
    success: Item = {"json": {"success": True}}
    return [success if version >= _PAIRS else {**success, "pairedItem": everything}]


def _parameters(written: Any) -> list[Any]:
    """Return the values for the query's `?`: a list, or text with commas, in which numbers are numbers."""
    if isinstance(written, list):
        return written
    if written is None or written == "":
        return []
    return [_value(each.strip()) for each in js_string(written).split(",")]


def _value(text: str) -> Any:
    try:
        number = float(text)
    except ValueError:
        return text
    if not math.isfinite(number):
        return text
    return int(number) if number.is_integer() else number
