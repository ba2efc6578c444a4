"""Rename Keys: other names for the fields of each item, one by one or by regular expressions."""

import copy
from typing import Any, Final

from runtime.contract import Context, Dynamic, Inline, Item, Items, NodeError, Outputs, each_item, param
from runtime.values.javascript import js_number, js_string
from runtime.values.lists.renaming import rename_matching, rename_paths
from runtime.values.patterns import compile_pattern
from runtime.values.problem import ProblemError

ALL_LEVELS: Final = -1


class RenameKeys(Inline):
    """Renames the fields of each item; the parameters are read per item."""

    type = "n8n-nodes-base.renameKeys"
    versions = (1,)
    exact_values = True
    one_item_each = True

    keys: Dynamic[dict[str, Any]] = param({})
    additional_options: Dynamic[dict[str, Any]] = param({})

    def run(self, context: Context, items: Items) -> Outputs:
        """Return one item per item; files stay."""
        return each_item(context, items, lambda i, item: self._renamed(context, i, item))

    def _renamed(self, context: Context, i: int, item: Item) -> Item:
        p = context.resolve(self, i)
        keys = _listed(p.keys, "key")
        pairs = [(js_string(each.get("currentKey", "")), js_string(each.get("newKey", ""))) for each in keys]
        json = rename_paths(item["json"], pairs)
        replacements = _listed((p.additional_options or {}).get("regexReplacement"), "replacements")
        if replacements:
            json = copy.deepcopy(json)
        for each in replacements:
            _replace(json, each)
        output: Item = {"json": json}
        if "binary" in item:
            output["binary"] = item["binary"]
        return output


def _listed(collection: Any, name: str) -> list[dict[str, Any]]:
    return (collection or {}).get(name) or []


def _levels(depth: Any) -> float:
    """Return a depth as n8n counts it down: what is no number is none either, and the levels below it are those of its number."""
    if isinstance(depth, int | float) and not isinstance(depth, bool):
        return depth
    number = js_number(depth)
    return number if number == number and number != 0 else ALL_LEVELS  # noqa: PLR0124  # NaN


def _replace(json: dict[str, Any], replacement: dict[str, Any]) -> None:
    options = replacement.get("options") or {}
    try:
        pattern = compile_pattern(
            js_string(replacement.get("searchRegex", "")), "i" if options.get("caseInsensitive") else ""
        )
        new = js_string(replacement.get("replaceRegex", ""))
        rename_matching(json, pattern, new, _levels(options.get("depth", ALL_LEVELS)))
    except ProblemError as problem:
        raise NodeError(problem.message, description=problem.description) from problem
