"""Function: the predecessor of Code, once for all items."""

from typing import ClassVar, Final

from runtime.contract import Activity, ActivityContext, Items, Outputs, param
from runtime.nodes.function_item import copied_item
from runtime.sandbox.failures import code_error

DEFAULT: Final = """\
// Code here will run only once, no matter how many input items there are.
// Loop over inputs and add a new field called 'myNewField' to the JSON of each one
for (item of items) {
  item.json.myNewField = 1;
}

// You can write logs to the browser console
console.log('Done!');

return items;"""


class Function(Activity):
    """`items` in, a list of items out; the code works on a copy of them."""

    type = "n8n-nodes-base.function"
    versions = (1, 2)
    local: ClassVar[bool] = True
    differs = (
        "An error of the code is reported with its own message and line;"
        " n8n says \"Cannot read properties of undefined (reading 'split')\" for most of them."
    )

    notice: str = param("")
    function_code: str = param(DEFAULT, code="javascript")

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Return one output. Under continueOnFail any error, a wrong result included, becomes the only item."""
        value = await context.run_javascript(
            self.function_code, mode="function", items=items, continue_on_fail=context.continue_on_fail
        )
        outcome = value["outcomes"][0]
        if "error" not in outcome:
            return [[copied_item(each) for each in outcome["data"]]]
        error = code_error(outcome["error"], word="Line")
        if not context.continue_on_fail:
            raise error
        return [[{"json": {} if outcome["error"].get("primitive") else {"error": error.bare}}]]
