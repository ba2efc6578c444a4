"""Small exports for tests."""

import itertools
import json
from typing import Any

from compiler import Compilation, compile_export
from runtime.catalog import CATALOG
from schemas.plan import Plan, Step

Json = dict[str, Any]


def node(name: str, type_: str = "n8n-nodes-base.noOp", version: float = 1, **more: Any) -> Json:
    """Return a node; `more` are its other members."""
    return {"name": name, "type": type_, "typeVersion": version, "position": [0, 0], "parameters": {}, **more}


START = node("Start", "n8n-nodes-base.manualTrigger")


def export(*nodes: Json, connections: Json | None = None, **more: Any) -> Json:
    """Return a workflow that starts at `Start`; without `connections` each node leads to the next."""
    listed = [START, *nodes]
    if connections is None:
        connections = {a["name"]: {"main": [[to(b["name"])]]} for a, b in itertools.pairwise(listed)}
    return {"name": "test", "nodes": listed, "connections": connections, "settings": {"executionOrder": "v1"}} | more


def to(name: str, index: int = 0, type_: str = "main") -> Json:
    """Return the target of a connection."""
    return {"node": name, "type": type_, "index": index}


def compiled(document: Json | str | bytes, **options: Any) -> Compilation:
    """Compile a document."""
    text = json.dumps(document, indent=2) if isinstance(document, dict) else document
    return compile_export(text, file="test.json", catalog=CATALOG, **options)


def plan(document: Json, **options: Any) -> Plan:
    """Return the plan of an export that compiles."""
    compilation = compiled(document, **options)
    assert compilation.plan is not None, [each.message for each in compilation.diagnostics]
    return compilation.plan


def step(document: Json, name: str, **options: Any) -> Step:
    """Return one step of that plan."""
    return plan(document, **options).step[name]


def codes(compilation: Compilation) -> list[str]:
    """Return the codes of the findings, in order."""
    return [each.code for each in compilation.diagnostics]
