"""What `$('Node')` and its kin find: the recorded runs of a node, as one step sees them. Errors are n8n's."""

from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from typing import Any

from runtime.expressions.scope import ExpressionError, Scope
from schemas.item import Item, Items, NodeRun
from schemas.plan import Plan

__all__ = ["branch_to", "item_at", "latest_output", "leads_here", "require", "without_bytes"]

_KEPT_PLANS = 64
_plans: OrderedDict[int, tuple[Plan, dict[str, dict[str, int]]]] = OrderedDict()
"""By identity: the outputs through which each step is reached, for plans that are at work."""


def branches(plan: Plan, target: str) -> Mapping[str, int]:
    """For every ancestor of `target`: the output from which the shortest path leads there."""
    kept = _plans.get(id(plan))
    if kept is None or kept[0] is not plan:
        kept = _plans[id(plan)] = (plan, {})
        while len(_plans) > _KEPT_PLANS:
            _plans.popitem(last=False)
    if target not in kept[1]:
        kept[1][target] = _trace(plan, target)
    return kept[1][target]


def _trace(plan: Plan, target: str) -> dict[str, int]:
    feeding: dict[str, list[tuple[int, str]]] = {}
    for step in plan.steps:
        for edge in step.edges:
            feeding.setdefault(edge.target, []).append((edge.output, step.name))
    found: dict[str, int] = {}
    waiting = deque([target])
    while waiting:
        for output, name in sorted(feeding.get(waiting.popleft(), ()), key=lambda each: each[0]):
            if name not in found:
                found[name] = output
                waiting.append(name)
    return found


def leads_here(scope: Scope, name: str) -> bool:
    """True when the node is an ancestor of this step."""
    return name in branches(scope.plan, (scope.root or scope.step).name)


def branch_to(scope: Scope, name: str) -> int:
    """The output of a node that leads to this step, else 0. A sub-node is where its root is."""
    return branches(scope.plan, (scope.root or scope.step).name).get(name, 0)


def require(scope: Scope, name: str) -> Sequence[NodeRun]:
    """The recorded runs of a node of this workflow. Raises ExpressionError when there is no such node."""
    if name not in scope.plan.step:
        raise ExpressionError("Referenced node doesn't exist")
    return scope.runs.get(name, ())


def latest_output(scope: Scope, name: str) -> Items:
    """The items that a node's latest run sent towards this step. Raises ExpressionError."""
    runs = require(scope, name)
    if not runs:
        raise ExpressionError(f"Node '{name}' hasn't been executed")
    outputs = runs[-1].get("outputs") or []
    branch = branch_to(scope, name)
    if branch >= len(outputs):
        raise ExpressionError(f'Node "{name}" has no branch with index {branch}.')
    return outputs[branch] or []


def item_at(items: Items, index: int, name: str) -> Item:
    """One item of a list by position. Raises ExpressionError with n8n's words when it is not there."""
    if index < len(items):
        return items[index]
    if not items:
        raise ExpressionError(f"Node '{name}' hasn't been executed")
    raise ExpressionError(f'"{name}" node has {len(items)} item(s) but you\'re trying to access item {index}')


def without_bytes(binary: Mapping[str, Any] | None) -> dict[str, Any]:
    """n8n shows a file's facts in `$binary`, never its bytes."""
    return {name: {key: fact for key, fact in ref.items() if key != "data"} for name, ref in (binary or {}).items()}
