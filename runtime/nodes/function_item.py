"""Function Item: the predecessor of Code, once per item."""

from typing import Any, ClassVar, Final

from runtime.contract import Activity, ActivityContext, Item, Items, Outputs, param
from runtime.sandbox.failures import code_error
from runtime.values.objects import without_unsafe_keys

DEFAULT: Final = """\
// Code here will run once per input item.
// Add a new field called 'myNewField' to the JSON of the item
item.myNewField = 1;

// You can write logs to the browser console
console.log('Done!');

return item;"""


class FunctionItem(Activity):
    """`item` (the json) in, the json of one item out; the code works on a copy of it."""

    type = "n8n-nodes-base.functionItem"
    versions = (1,)
    local: ClassVar[bool] = True
    differs = (
        "An error of the code is reported with its own message and line;"
        " n8n says \"Cannot read properties of undefined (reading 'split')\" for most of them."
    )

    notice: str = param("")
    function_code: str = param(DEFAULT, code="javascript")

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Return one item per input item. Under continueOnFail an error takes the place of its item."""
        value = await context.run_javascript(
            self.function_code, mode="functionItem", items=items, continue_on_fail=context.continue_on_fail
        )
        results: Items = []
        for i, outcome in enumerate(value["outcomes"]):
            if "error" not in outcome:
                results.append(copied_item(outcome["data"]))
                continue
            error = code_error(outcome["error"], word="Line", item=i)
            if not context.continue_on_fail:
                raise error
            json = {} if outcome["error"].get("primitive") else {"error": error.bare}
            results.append({"json": json})
        return [results]


def copied_item(given: dict[str, Any]) -> Item:
    """Return the item that code gave. JSON has no functions: one that was returned is gone. n8n copies what each member holds."""
    json = given.get("json", {})
    if isinstance(json, dict):
        json = {key: without_unsafe_keys(each) for key, each in json.items()}
    return {**given, "json": json}  # type: ignore[typeddict-item]  # of the sandbox
