"""Build the data that scripts and Code nodes read, as plain JSON: only what they can reach, since it is copied each time."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from runtime.engine.node_runs import SparseRuns
from runtime.expressions.node_parameters import shown_parameters
from runtime.expressions.nodes import branch_to, leads_here, without_bytes
from runtime.expressions.scope import ExpressionError, Scope
from runtime.values.undefined import marked, without_undefined
from schemas.expression import Script
from schemas.item import UNDEFINED, Items, NodeRun

__all__ = ["snapshot", "snapshot_for"]

_ITEM_READERS = frozenset({"$input", "$item", "$items", "$thisItem"})
_JSON_READERS = frozenset({"$data", "$fromAI", "$fromAi", "$fromai", "$json"})
_PAIRED = frozenset({"item", "itemMatching", "pairedItem"})
_NO_RUNS = frozenset({"context", "parameter", "params", *_PAIRED})
_ENDS = frozenset({"first", "last", "isExecuted"})
ANY = frozenset({"any", *_PAIRED})


def snapshot(scope: Scope, reads: Collection[str] | None) -> dict[str, Any]:
    """Return all data of the nodes in `reads` (None: of all nodes), with the pairings of every input item. For programs."""
    names = [*{**scope.runs, **scope.pinned}] if reads is None else [name for name in reads if name in scope.plan.step]
    data = _build(scope, scope.items, dict.fromkeys(names, ANY))
    return without_undefined(data) if scope.undefined else data


def snapshot_for(scope: Scope, scripts: Iterable[Script]) -> dict[str, Any]:
    """Return the data that these scripts can reach, and no more."""
    ways: dict[str, set[str]] = {}
    variables: set[str] = set()
    shown: dict[str, dict[str, Any]] = {}
    programs: list[Script] = []
    for script in chain(scripts, programs):  # the programs of parameters are found on the way
        variables.update(script.variables)
        if script.nodes is None:
            for name in (*scope.runs, *scope.pinned):
                ways.setdefault(name, set()).update(ANY)
        for name in script.nodes or ():
            how = script.ways.get(name, ANY)
            ways.setdefault(name, set()).update(how)
            if "parameter" in how and name not in shown and name in scope.plan.step:
                shown[name] = shown_parameters(scope.plan.step[name], programs)
    data = _build(scope, _items(scope.items, variables), ways)
    for name, parameters in shown.items():
        data["nodes"][name]["shown"] = parameters
    if programs:
        data["programs"] = [program.source for program in programs]
    if "$getPairedItem" in variables:
        data["sources"] = {name: _sources(runs) for name, runs in scope.runs.items()}
    return {**marked(data), "undefined": True} if scope.undefined else data


def _sources(runs: Sequence[NodeRun]) -> Any:
    if isinstance(runs, SparseRuns):
        return {str(i): run.get("source") or [] for i, run in runs.items()}
    return [run.get("source") or [] for run in runs]


def _items(items: Items, variables: Collection[str]) -> Sequence[Any]:
    """Return the items with the parts that the variables read: `$json` needs only the json, `$binary` never the bytes."""
    if not _ITEM_READERS.isdisjoint(variables):
        return items
    if "$binary" in variables:
        return [{"json": item["json"], "binary": without_bytes(item.get("binary"))} for item in items]
    if not _JSON_READERS.isdisjoint(variables):
        return [{"json": item["json"]} for item in items]
    return [_BARE] * len(items)


_BARE: dict[str, Any] = {"json": {}}


def _build(scope: Scope, items: Sequence[Any], ways: Mapping[str, Collection[str]]) -> dict[str, Any]:
    readable = {name: how for name, how in ways.items() if name in scope.plan.step}
    source = scope.source[0]["previousNode"] if scope.source and scope.source[0] else None
    nodes = {name: _node(scope, name, how) for name, how in readable.items()}
    for name in (source, scope.step.name):
        if name in scope.plan.step and name not in nodes and name is not None:
            nodes[name] = _node(scope, name, frozenset({"params"}))
    return {
        "now": scope.now,
        "zone": scope.plan.settings.timezone,
        "workflow": {"active": scope.plan.active, "id": scope.plan.workflow_id, "name": scope.plan.name},
        "execution": {
            "id": scope.execution_id,
            "mode": "test" if scope.mode == "manual" else "production",
            "resumeUrl": scope.resume_url,
            "resumeFormUrl": scope.resume_form_url,
            "customData": dict(scope.custom_data),
        },
        "mode": scope.mode,
        "vars": dict(scope.variables),
        "staticData": dict(scope.static_data),
        "arguments": None if scope.arguments is None else dict(scope.arguments),
        "paged": None if scope.paged is None else dict(scope.paged),
        "step": {
            "name": scope.step.name,
            "id": scope.step.id,
            "version": scope.step.version,
            "webhookId": scope.step.webhook_id,
            "parameters": scope.step.parameters,
        },
        "runIndex": scope.run_index,
        "source": list(scope.source),
        "items": items,
        "names": list(scope.plan.step),
        "nodes": nodes,
        "pairs": {name: _pairs(scope, name) for name, how in readable.items() if not _PAIRED.isdisjoint(how)},
        "seed": scope.seed,
    }


def _node(scope: Scope, name: str, how: Collection[str]) -> dict[str, Any]:
    runs = scope.runs.get(name, ())
    pinned = {"pinned": scope.pinned[name]} if not runs and name in scope.pinned else {}
    return pinned | {
        "parameters": scope.plan.step[name].parameters,
        "context": scope.memory.get(name, {}),
        "branch": branch_to(scope, name),
        "leads": leads_here(scope, name),
        "runs": _runs(runs, how),
    }


def _runs(runs: Sequence[NodeRun], how: Collection[str]) -> Any:
    """Return the runs that can be read: all, or in the shape of a JavaScript array some of many, by index, and the length.

    Only `any` names a run; every other way reads the latest, so that a round of a loop costs the same as the one before.
    """
    last = len(runs) - 1
    if last > 0 and "any" not in how:
        latest = {} if _NO_RUNS.issuperset(how) else {str(last): _outputs(runs[last], how)}
        return {"length": len(runs), "forgets": True} | latest
    if isinstance(runs, SparseRuns):
        return {"length": len(runs), "forgets": True} | {str(i): _outputs(run, how) for i, run in runs.items()}
    return [_outputs(run, how) for run in runs]


def _outputs(run: NodeRun, how: Collection[str]) -> list[Any]:
    outputs = run.get("outputs") or []
    if _NO_RUNS.issuperset(how):
        return []
    if not _ENDS.issuperset(how):
        return list(outputs)
    return [_ends(items) for items in outputs]


def _ends(items: Items | None) -> dict[str, Any] | None:
    if items is None:
        return None
    return {"length": len(items), "first": items[0] if items else None, "last": items[-1] if items else None}


def _pairs(scope: Scope, name: str) -> list[dict[str, Any]]:
    return [_pair(scope, name, i) for i in range(len(scope.items))]


def _pair(scope: Scope, name: str, index: int) -> dict[str, Any]:
    if scope.pair is None:
        return {"error": {"message": "Invalid expression", "description": None}}
    try:
        item = scope.pair(name, index)
    except ExpressionError as error:
        return {"error": {"message": error.message, "description": error.description}}
    return {} if item is UNDEFINED else {"item": item}  # a trail that ends at the start is undefined
