"""Code: an author's own JavaScript or Python, once for all items or once per item."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final, Literal

from runtime.contract import Activity, ActivityContext, Items, NodeError, Outputs, error_item, param
from runtime.sandbox.failures import code_error
from runtime.sandbox.items import all_items, one_item
from runtime.values.written import as_written

FOR_ALL: Final = "runOnceForAllItems"
PER_ITEM: Final = "runOnceForEachItem"
MANY: Final = 2_000
"""Items from which on they are made on a thread: the event loop is of all steps of the process."""
ALL_ONLY: Final = re.compile(r"\$input\.(first|last|all|itemMatching)")


class Code(Activity):
    """Runs code in a sandbox with limits of time and memory."""

    type = "n8n-nodes-base.code"
    versions: ClassVar[tuple[float, ...]] = (1, 2)
    local: ClassVar[bool] = True

    mode: Literal["runOnceForAllItems", "runOnceForEachItem"] = param("runOnceForAllItems")
    language: Literal["javaScript", "pythonNative", "python"] = param(
        "javaScript", show={"@version": [{"_cnd": {"gte": 2}}]}
    )
    js_code: str = param("", code="javascript", show={"language": ["javaScript"], "@version": [{"_cnd": {"gte": 2}}]})
    js_code_of_version_1: str = param("", alias="jsCode", code="javascript", show={"@version": [1]})
    python_code: str = param("", code="python", show={"language": ["python", "pythonNative"]})
    notice: str = param("")

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Return one output. An error of the author's code becomes an item under continueOnFail; a wrong result never
        does.
        """
        if self.mode not in (FOR_ALL, PER_ITEM) or context.version not in self.versions:
            raise NodeError('Could not get parameter "jsCode"')
        if context.version > 1 and self.language not in ("javaScript", "python", "pythonNative"):
            raise NodeError(f"Unsupported language: {as_written(self.language)}")
        per_item = self.mode == PER_ITEM
        outcomes = await self._outcomes(context, items, per_item=per_item)
        if len(items) + _length(outcomes[0] if outcomes else {}) > MANY:
            return [await context.on_thread(_items, context, outcomes, per_item)]
        return [_items(context, outcomes, per_item)]

    async def _outcomes(self, context: ActivityContext, items: Items, *, per_item: bool) -> list[dict[str, Any]]:
        mode = "each" if per_item else "all"
        js_code = self.js_code_of_version_1 if context.version == 1 else self.js_code
        if self.language == "javaScript" and not js_code:
            return [{"error": {"message": "Unknown error"}}] * (len(items) if per_item else 1)
        tolerant = context.continue_on_fail
        if self.language != "javaScript":
            value = await context.run_python(self.python_code, mode=mode, items=items, continue_on_fail=tolerant)
        else:
            if per_item:
                _refuse_all_items(js_code)
            value = await context.run_javascript(js_code, mode=mode, items=items, continue_on_fail=tolerant)
        outcomes: list[dict[str, Any]] = value["outcomes"]
        return outcomes


def _length(outcome: Mapping[str, Any]) -> int:
    data = outcome.get("data")
    return len(data) if isinstance(data, list) else 1


def _items(context: ActivityContext, outcomes: list[dict[str, Any]], per_item: bool) -> Items:
    return _per_item(context, outcomes) if per_item else _for_all(context, outcomes[0])


def _for_all(context: ActivityContext, outcome: Mapping[str, Any]) -> Items:
    if "error" not in outcome:
        return all_items(outcome)
    error = code_error(outcome["error"])
    if not context.continue_on_fail:
        raise error
    return [{"json": {"error": error.message}}]


def _per_item(context: ActivityContext, outcomes: list[dict[str, Any]]) -> Items:
    results: Items = []
    for i, outcome in enumerate(outcomes):
        if "error" in outcome:
            error = code_error(outcome["error"], item=i)
            if not context.continue_on_fail:
                raise error
            results.append(error_item(error, i))
        elif (item := one_item(outcome, i)) is not None:
            results.append(item)
    return results


def _refuse_all_items(code: str) -> None:
    """Raise n8n's error for `.all()` and the like: it looks at the text, line by line, and skips lines that begin as
    comments.
    """
    for number, line in enumerate(code.split("\n"), 1):
        match = ALL_ONLY.search(line)
        if match and not line.lstrip().startswith(("//", "/*", "*")):
            raise NodeError(
                f"Can't use .{match[1]}() here [line {number}, for item 0]",
                description="This is only available in 'Run Once for All Items' mode",
                item=0,
            )
