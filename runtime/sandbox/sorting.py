"""Sorting by an author's own comparer, the body of a function of `a` and `b`."""

import re
from typing import Any, Final

from runtime.contract import ActivityContext, Items, NodeError
from runtime.sandbox.failures import code_error
from runtime.values.javascript import js_string

RETURNS: Final = re.compile(r"\breturn\b", re.ASCII)


async def sort_by_code(context: ActivityContext, items: Items, code: Any) -> Items:
    """Return the items in order, with whatever else the comparer did to them. Raise NodeError."""
    text = js_string(code)
    if not RETURNS.search(text):
        raise NodeError("Sort code doesn't return. Please add a 'return' statement to your code")
    program = f"return items.sort((a, b) => {{ {text} }})"
    value = await context.run_javascript(program, mode="sort", items=items)
    outcome = value["outcomes"][0]
    if "error" in outcome:
        raise code_error(outcome["error"])
    ordered: Items = outcome["data"]
    return ordered
