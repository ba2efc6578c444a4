"""Filter: keeps the items that match (output 0); the others are output 1, which no editor shows."""

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


class FilterV1(Inline):
    """Filter, version 1: typed comparisons, all (AND) or any (OR) of which must hold."""

    type = "n8n-nodes-base.filter"
    versions = (1,)

    conditions: Dynamic[Conditions] = param({})
    combine_conditions: Dynamic[Literal["AND", "OR"]] = param("AND")

    def run(self, context: Context, items: Items) -> Outputs:
        """Kept, discarded. A comparison that fails ends the node, under continueOnFail too."""
        kept: Items = []
        discarded: Items = []
        for i, item in enumerate(items):
            try:
                holds = self._holds(context.resolve(self, i))
            except ProblemError as problem:
                raise _refused(problem, i) from problem
            (kept if holds else discarded).append(item)
        return [kept, discarded]

    def _holds(self, p: "FilterV1") -> bool:
        wants_all = p.combine_conditions != "OR"
        if wants_all and p.combine_conditions != "AND":
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


class FilterV2(Inline):
    """Filter, since version 2."""

    type = "n8n-nodes-base.filter"
    versions = (2, 2.1, 2.2, 2.3)

    conditions: Dynamic[Filter] = param({}, fill={"": FILTER})
    loose_type_validation: Dynamic[bool] = param(False, show={"@version": [{"_cnd": {"gte": 2.1}}]})
    options: Dynamic[dict[str, Any]] = param({})

    def run(self, context: Context, items: Items) -> Outputs:
        """Kept, discarded; an item whose comparison fails is discarded under continueOnFail."""
        kept: Items = []
        discarded: Items = []
        zone, now = context.timezone, context.now
        for i, item in enumerate(items):
            try:
                holds = evaluate_filter(context.resolve(self, i).conditions or {}, i, zone=zone, now_ms=now)
            except (ProblemError, NodeError) as problem:
                if not context.continue_on_fail:
                    raise _refused(problem, i) from problem
                holds = False
            (kept if holds else discarded).append(item)
        return [kept, discarded]


def _refused(problem: ProblemError | NodeError, i: int) -> NodeError:
    if isinstance(problem, NodeError):
        return problem
    return NodeError(problem.message, description=problem.description, item=i)


def _listed(groups: Any, type_: str) -> list[Any]:
    """The conditions or values of one type; none where the group is not there."""
    return list((groups or {}).get(type_) or ())
