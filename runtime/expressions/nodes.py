"""Look-ups behind `$('Node')` and the like: the recorded runs of a node, as one step sees them. Errors are n8n's."""

from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from typing import Any

from runtime.expressions.scope import ExpressionError, Scope
from schemas.item import Item, Items, NodeRun
from schemas.plan import Plan

__all__ = ["branch_to", "item_at", "latest_output", "leads_here", "require", "without_bytes"]

_MAX_CACHED_PLANS = 64
_plans: OrderedDict[int, tuple[Plan, dict[str, dict[str, int]]]] = OrderedDict()
"""Cache by the plan's identity: per step, the outputs through which it is reached."""


def branches(plan: Plan, target: str) -> Mapping[str, int]:
    """Return, for every ancestor of `target`, the output at which the shortest path to it begins."""
    cached = _plans.get(id(plan))
    if cached is None or cached[0] is not plan:
        cached = _plans[id(plan)] = (plan, {})
        while len(_plans) > _MAX_CACHED_PLANS:
            _plans.popitem(last=False)
    if target not in cached[1]:
        cached[1][target] = _trace(plan, target)
    return cached[1][target]


def _trace(plan: Plan, target: str) -> dict[str, int]:
    feeding: dict[str, list[tuple[int, str]]] = {}
    for step in plan.steps:
        for edge in step.edges:
            feeding.setdefault(edge.target, []).append((edge.output, step.name))
    outputs: dict[str, int] = {}
    waiting = deque([target])
    while waiting:
        for output, name in sorted(feeding.get(waiting.popleft(), ()), key=lambda each: each[0]):
            if name not in outputs:
                outputs[name] = output
                waiting.append(name)
    return outputs


def leads_here(scope: Scope, name: str) -> bool:
    """Return True when the node is an ancestor of this step, or n8n does not mind since it is pinned."""
    return name in scope.pinned or name in branches(scope.plan, (scope.root or scope.step).name)


def branch_to(scope: Scope, name: str) -> int:
    """Return the output of a node that leads to this step, else 0. A sub-node is where its root is."""
    return branches(scope.plan, (scope.root or scope.step).name).get(name, 0)


def require(scope: Scope, name: str) -> Sequence[NodeRun]:
    """Return the recorded runs of a node of this workflow. Raise ExpressionError when there is no such node."""
    if name not in scope.plan.step:
        raise ExpressionError("Referenced node doesn't exist")
    return scope.runs.get(name, ())


def latest_output(scope: Scope, name: str) -> Items:
    """Return the items that a node's latest run sent towards this step. Raise ExpressionError."""
    runs = require(scope, name)
    if not runs and name in scope.pinned:
        return scope.pinned[name]
    if not runs:
        raise ExpressionError(f"Node '{name}' hasn't been executed")
    outputs = runs[-1].get("outputs") or []
    branch = branch_to(scope, name)
    if branch >= len(outputs):
        raise ExpressionError(f'Node "{name}" has no branch with index {branch}.')
    return outputs[branch] or []


def item_at(items: Items, index: int, name: str) -> Item:
    """Return the item of a list at a position. Raise ExpressionError with n8n's message when there is none."""
    if index < len(items):
        return items[index]
    if not items:
        raise ExpressionError(f"Node '{name}' hasn't been executed")
    raise ExpressionError(f'"{name}" node has {len(items)} item(s) but you\'re trying to access item {index}')


def without_bytes(binary: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return an item's files without their bytes, as n8n has them in `$binary`."""
    return {name: {key: fact for key, fact in ref.items() if key != "data"} for name, ref in (binary or {}).items()}
