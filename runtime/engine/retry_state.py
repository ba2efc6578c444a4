"""Build the state that a run is retried with: what it had done stays done, one node and what comes after it runs again."""

import copy
from collections.abc import Callable
from typing import Any

from runtime.engine.node_runs import ForgottenRunError, from_json, to_json
from schemas.item import Items
from schemas.plan import Plan

__all__ = ["CannotRetryError", "first_items", "state_from_node"]


def first_items(state: dict[str, Any]) -> Items:
    """Return the items of the first output of the node that a run began with."""
    outputs = from_json(state["runs"][state["order"][0][0]])[0]["outputs"]
    return outputs[0] or [] if outputs else []


class CannotRetryError(Exception):
    """The run cannot be retried from this node. The message says why, and what can be done."""


Edit = Callable[[Items], Items]
"""Makes the items that a node is to begin with of those that it had."""


def state_from_node(
    state: dict[str, Any], old: Plan, plan: Plan, node: str | None, edit: Edit | None = None
) -> dict[str, Any]:
    """Return the engine state for a new run under `plan` that begins at the last run of `node`; None: at the failed node.

    `state` is the one that the run under the plan `old` ended with. `edit` changes the items of the node's first input; they
    take the place of what the node before gave out, so that expressions read the same. Raise CannotRetryError.
    """
    new = copy.deepcopy(state)
    new["runs"] = {each: from_json(runs) for each, runs in new["runs"].items()}
    failed = (new.get("error") or {}).get("node") if new.get("status") == "error" else None
    name = node or failed
    if name is None:
        raise CannotRetryError("No node of the run failed; name one to begin at, or begin at the start.")
    missing = [each for each in (name, *(node for node, *_ in new["order"])) if each not in plan.step]
    if missing:
        raise CannotRetryError(
            f"The version has no node '{missing[0]}'; take the original version, or begin at the start."
        )
    runs = new["runs"].get(name)
    if not runs:
        raise CannotRetryError(f"'{name}' has not run, so nothing is known of its input.")
    pending = new["stack"][1:] if failed else new["stack"]
    if name == failed:
        entry = new["stack"][0]
        _drop(new, {name}, [name, len(runs) - 1])
    else:
        entry = _entry(new, old, name)
        after = {name, *_after(old, name)}
        _drop(new, after, [name, len(runs) - 1])
        pending = [each for each in pending if each["node"] not in after]
        new["waiting"] = {key: each for key, each in new["waiting"].items() if key not in after}
    if edit is not None:
        _edit(new["runs"], entry, edit)
    new |= {"stack": [entry, *pending], "error": None, "status": "running", "deadline": None, "current": None}
    new["last"] = new["order"][-1][0] if new["order"] else None
    new["runs"] = {each: to_json(runs) for each, runs in new["runs"].items()}
    return new


def _entry(state: dict[str, Any], plan: Plan, name: str) -> dict[str, Any]:
    """Return a stack entry with the input of a node's last run, read from the outputs that it came from."""
    if name in _after(plan, name):
        raise CannotRetryError(f"'{name}' is in a loop that has gone on; begin at the start, or at the failed node.")
    run = state["runs"][name][-1]
    if not run["source"]:
        return {"node": name, "inputs": [run["outputs"][0] if run["outputs"] else []], "source": []}
    inputs: list[Any] = []
    for source in run["source"]:
        if source is None:
            inputs.append(None)
            continue
        before = state["runs"][source["previousNode"]][source.get("previousNodeRun", 0)]["outputs"]
        output = source.get("previousNodeOutput", 0)
        inputs.append(before[output] if output < len(before) else None)
    return {"node": name, "inputs": inputs, "source": run["source"]}


def _edit(runs: dict[str, Any], entry: dict[str, Any], edit: Edit) -> None:
    items = edit(entry["inputs"][0] or [] if entry["inputs"] else [])
    entry["inputs"] = [items, *entry["inputs"][1:]]
    source = entry["source"][0] if entry["source"] else None
    if source is None:
        return
    output = source.get("previousNodeOutput", 0)
    try:
        outputs = runs[source["previousNode"]][source.get("previousNodeRun", 0)]["outputs"]
    except (KeyError, IndexError, ForgottenRunError) as error:
        raise CannotRetryError(
            f"What '{entry['node']}' had before it is no longer known, so it cannot be edited."
        ) from error
    outputs[output : output + 1] = [items]


def _after(plan: Plan, name: str) -> set[str]:
    """Return the nodes that come after a node; the node itself too where it is in a loop."""
    reached: set[str] = set()
    waiting = [name]
    while waiting:
        targets = {edge.target for edge in plan.step[waiting.pop()].edges if edge.target in plan.step}
        waiting += targets - reached
        reached |= targets
    return reached


def _drop(state: dict[str, Any], names: set[str], first: list[Any]) -> None:
    """Forget the runs of these nodes from the place `first` of the order on."""
    place = next(i for i, each in enumerate(state["order"]) if list(each[:2]) == first)
    order = [each for i, each in enumerate(state["order"]) if i < place or each[0] not in names]
    counts: dict[str, int] = {}
    for each, run, *_ in order:
        counts[each] = max(counts.get(each, 0), run + 1)
    for each in state.get("forgotten") or ():
        if each in state["runs"] and each not in names:
            counts[each] = len(state["runs"][each])
    state["order"] = order
    state["runs"] = {each: runs[: counts[each]] for each, runs in state["runs"].items() if each in counts}
    state["memory"] = {each: memory for each, memory in state["memory"].items() if each not in names or each in counts}
