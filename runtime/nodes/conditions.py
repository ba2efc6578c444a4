"""What IF and Filter share: an item whose conditions hold goes to the first output, any other to the second."""

from collections.abc import Callable, Mapping
from typing import Any

from typing_extensions import TypedDict

from runtime.contract import Context, Dynamic, Inline, Items, NodeError, Outputs, param
from runtime.values.filters import HINT_STRICT, Filter, evaluate_filter
from runtime.values.javascript import truthy
from runtime.values.legacy_conditions import CONDITION_TYPES, DEFAULT_OPERATION, legacy_compare
from runtime.values.problem import ProblemError
from schemas.item import UNDEFINED
from schemas.node import FILTER


class TypedCondition(TypedDict, total=False):
    """One comparison of version 1."""

    value1: Any
    operation: str
    value2: Any


class TypedConditions(TypedDict, total=False):
    """The comparisons of version 1 by type."""

    boolean: list[TypedCondition]
    dateTime: list[TypedCondition]
    number: list[TypedCondition]
    string: list[TypedCondition]


_DEFAULT_VALUE: dict[str, Any] = {"boolean": False, "dateTime": "", "number": 0, "string": ""}


class FilterConditions(Inline):
    """Since version 2: a filter."""

    conditions: Dynamic[Filter] = param({}, fill={"": FILTER}, whole=True)
    loose_type_validation: Dynamic[bool] = param(False, show={"@version": [{"_cnd": {"gte": 2.1}}]})
    options: Dynamic[dict[str, Any]] = param({})

    def run(self, context: Context, items: Items) -> Outputs:
        """Return the items for which the filter holds, and the others; under continueOnFail an item whose comparison fails
        is one of the others.
        """

        def holds(i: int) -> bool:
            filter_ = self._filter(context, i)
            if not isinstance(filter_, Mapping):  # n8n takes what is no filter for the answer itself
                return truthy(filter_)
            return evaluate_filter(filter_, i, zone=context.timezone, now_ms=context.now)

        return divide(items, holds, continue_on_fail=context.continue_on_fail)

    def _filter(self, context: Context, i: int) -> Any:
        """Return the filter of item `i`. Raise NodeError with n8n's advice for an expression that fails."""
        try:
            return context.resolve(self, i).conditions
        except NodeError as error:
            error.description = error.description or HINT_STRICT
            raise


def typed_conditions_hold(written: Any, resolved: Any, *, every: bool) -> bool:
    """Return whether all of the comparisons of version 1 hold, or (not `every`) one of them. `written` are the conditions
    as the export has them: a value that is there and undefined stays undefined, one that is absent has its default.
    Raise ProblemError for a comparison that cannot be made.
    """
    for type_ in CONDITION_TYPES:
        for raw, each in zip(_listed(written, type_), _listed(resolved, type_), strict=False):
            left, right = (
                each.get(key, UNDEFINED if key in raw else _DEFAULT_VALUE[type_]) for key in ("value1", "value2")
            )
            operation = each.get("operation", DEFAULT_OPERATION[type_])
            if legacy_compare(type_, operation, left, right) is not every:
                return not every
    return every


def divide(items: Items, holds: Callable[[int], bool], *, continue_on_fail: bool) -> Outputs:
    """Return the items (by index) for which `holds`, and the others. A comparison that fails raises the NodeError of its
    item, or under `continue_on_fail` counts as one that does not hold.
    """
    matching: Items = []
    others: Items = []
    for i, item in enumerate(items):
        try:
            matches = holds(i)
        except (ProblemError, NodeError) as problem:
            if not continue_on_fail:
                raise _refused(problem, i) from problem
            matches = False
        (matching if matches else others).append(item)
    return [matching, others]


def _refused(problem: ProblemError | NodeError, i: int) -> NodeError:
    if isinstance(problem, NodeError):
        return problem
    return NodeError(problem.message, description=problem.description, item=i)


def _listed(groups: Any, type_: str) -> list[Any]:
    """Return the conditions or values of one type; none where the group is not there."""
    return list((groups or {}).get(type_) or ())
