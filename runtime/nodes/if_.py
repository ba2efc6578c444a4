"""IF: sends each item to true (output 0) or false (output 1)."""

from typing import Any, Literal

from typing_extensions import TypedDict

from runtime.contract import Context, Dynamic, Inline, Items, NodeError, Outputs, param
from runtime.values.filters import Filter, evaluate_filter
from runtime.values.legacy_conditions import DEFAULT_OPERATION, TYPES, legacy_compare
from runtime.values.problem import ProblemError
from schemas.item import UNDEFINED
from schemas.node import FILTER


class Condition(TypedDict, total=False):
    """One comparison of version 1."""

    value1: Any
    operation: str
    value2: Any


class Conditions(TypedDict, total=False):
    """The comparisons of version 1 by type."""

    boolean: list[Condition]
    dateTime: list[Condition]
    number: list[Condition]
    string: list[Condition]


_DEFAULT_VALUE: dict[str, Any] = {"boolean": False, "dateTime": "", "number": 0, "string": ""}


class IfV1(Inline):
    """IF, version 1: typed comparisons, all or any of which must hold."""

    type = "n8n-nodes-base.if"
    versions = (1,)

    conditions: Dynamic[Conditions] = param({})
    combine_operation: Dynamic[Literal["all", "any"]] = param("all")

    def outputs(self, version: float) -> int:
        """True and false."""
        del version
        return 2

    def run(self, context: Context, items: Items) -> Outputs:
        """Items go on unchanged. A comparison that fails ends the node, under continueOnFail too."""
        yes: Items = []
        no: Items = []
        for i, item in enumerate(items):
            try:
                holds = self._holds(context.resolve(self, i))
            except ProblemError as problem:
                raise refused(problem, i) from problem
            (yes if holds else no).append(item)
        return [yes, no]

    def _holds(self, p: "IfV1") -> bool:
        wants_all = p.combine_operation != "any"
        if wants_all and p.combine_operation != "all":
            return False
        for type_ in TYPES:
            written = _listed(self.conditions, type_)
            for raw, each in zip(written, _listed(p.conditions, type_), strict=False):
                left, right = (
                    each.get(key, UNDEFINED if key in raw else _DEFAULT_VALUE[type_]) for key in ("value1", "value2")
                )
                operation = each.get("operation", DEFAULT_OPERATION[type_])
                if legacy_compare(type_, operation, left, right) is not wants_all:
                    return not wants_all
        return wants_all


class IfV2(Inline):
    """IF, since version 2: a filter."""

    type = "n8n-nodes-base.if"
    versions = (2, 2.1, 2.2, 2.3)

    conditions: Dynamic[Filter] = param({}, fill={"": FILTER})
    loose_type_validation: Dynamic[bool] = param(False, show={"@version": [{"_cnd": {"gte": 2.1}}]})
    options: Dynamic[dict[str, Any]] = param({})

    def outputs(self, version: float) -> int:
        """True and false."""
        del version
        return 2

    def run(self, context: Context, items: Items) -> Outputs:
        """Items go on unchanged; an item whose comparison fails goes to false under continueOnFail."""
        yes: Items = []
        no: Items = []
        zone, now = context.timezone, context.now
        for i, item in enumerate(items):
            try:
                holds = evaluate_filter(context.resolve(self, i).conditions or {}, i, zone=zone, now_ms=now)
            except (ProblemError, NodeError) as problem:
                if not context.continue_on_fail:
                    raise refused(problem, i) from problem
                holds = False
            (yes if holds else no).append(item)
        return [yes, no]


def refused(problem: ProblemError | NodeError, i: int) -> NodeError:
    """A problem as the error of item `i`."""
    if isinstance(problem, NodeError):
        return problem
    return NodeError(problem.message, description=problem.description, item=i)


def _listed(groups: Any, type_: str) -> list[Any]:
    """The conditions or values of one type; none where the group is not there."""
    return list((groups or {}).get(type_) or ())
