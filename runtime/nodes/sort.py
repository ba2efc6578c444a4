"""Sort: puts the items in another order, by fields, at random, or as code says."""

from typing import Any, ClassVar, Final, Literal

from runtime.contract import Activity, ActivityContext, Dynamic, Items, NodeError, Outputs, param
from runtime.sandbox.sorting import sort_by_code
from runtime.values.lists.sorting import shuffled, sorted_by_fields
from runtime.values.problem import ProblemError

DEFAULT_CODE: Final = """\
// The two items to compare are in the variables a and b
	// Access the fields in a.json and b.json
	// Return -1 if a should go before b
	// Return 1 if b should go before a
	// Return 0 if there's no difference

	fieldName = 'myField';

	if (a.json[fieldName] < b.json[fieldName]) {
	return -1;
	}
	if (a.json[fieldName] > b.json[fieldName]) {
	return 1;
	}
	return 0;"""


class Sort(Activity):
    """The whole list at once; a local activity, since an author's comparer is code and large lists take their time."""

    type = "n8n-nodes-base.sort"
    versions = (1,)
    exact_values = True
    local: ClassVar[bool] = True

    order: Dynamic[Literal["simple", "random", "code"]] = param("simple", alias="type")
    sort_fields_ui: Dynamic[dict[str, Any]] = param({}, show={"type": ["simple"]})
    code: Dynamic[str] = param(DEFAULT_CODE, show={"type": ["code"]})
    options: Dynamic[dict[str, Any]] = param({}, show={"type": ["simple"]})

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Return the items in order. The parameters are those of the first item."""
        p = context.resolve(self, 0)
        if p.order == "random":
            return [shuffled(context.random, items)]
        if p.order not in ("simple", "code") and not str(self.order).startswith("="):
            raise NodeError('Could not get parameter "code"')
        if p.order == "code" or (
            p.order != "simple" and str(self.order).startswith("=")
        ):  # whatever an expression gives
            return [await sort_by_code(context, items, p.code)]
        try:
            return [sorted_by_fields(items, p.sort_fields_ui, p.options)]
        except ProblemError as problem:
            raise NodeError(problem.message, description=problem.description) from problem
