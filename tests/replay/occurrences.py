"""Which node classes ran in which recorded history."""

import base64
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from runtime.catalog import CATALOG
from schemas.node import Node
from tests.replay.gate import PLAN_FOLDER

__all__ = ["nodes_that_ran"]

HISTORIES = Path(__file__).parent / "histories"


@cache
def nodes_that_ran() -> dict[Path, frozenset[type[Node]]]:
    """By history: the classes of the steps that the journal at its end names."""
    return {
        path: frozenset(_classes(json.loads(path.read_text("utf-8"))["events"]))
        for path in sorted(HISTORIES.glob("*.json"))
    }


def _classes(events: list[dict[str, Any]]) -> Iterator[type[Node]]:
    documents = [document for event in events for document in _payloads(event)]
    plan = next(
        _plan_of(each) for each in documents if each.get("plan") or each.get("plan_hash")
    )  # a schedule's is looked up
    ran = {step["node"] for each in documents for step in (each.get("journal") or {}).get("steps", ())}
    parts = {
        step["name"]: {name for names in step.get("subnodes", {}).values() for name in names} for step in plan["steps"]
    }
    while below := set().union(*(parts[name] for name in ran if name in parts)) - ran:
        ran |= below  # tools that are durable themselves run inside the step that they serve
    for step in plan["steps"]:
        found = CATALOG.find(step["type"], step["version"], step["parameters"], step.get("subnodes", {}))
        if step["name"] in ran and found is not None:
            yield found


def _plan_of(document: dict[str, Any]) -> Any:
    """The plan of a start or of a look-up, which holds it or names it."""
    return document.get("plan") or json.loads((PLAN_FOLDER / f"{document['plan_hash']}.json").read_text("utf-8"))


def _payloads(value: Any) -> Iterator[Any]:
    """What the payloads of an event hold, wherever they are."""
    if isinstance(value, dict):
        if "metadata" in value and isinstance(value.get("data"), str):
            document = json.loads(base64.b64decode(value["data"]))
            if isinstance(document, dict):
                yield document
        for each in value.values():
            yield from _payloads(each)
    elif isinstance(value, list):
        for each in value:
            yield from _payloads(each)
