"""Read `connections`: null slots, missing `type` and `index`, and structures that n8n cannot follow."""

from collections.abc import Mapping
from typing import Any

from compiler.source.source import json_type_name
from compiler.unit import Unit
from schemas.diagnostic import pointer
from schemas.diagnostic.reading import BadConnections, ConnectionsMissing
from schemas.export import MAIN, Connections, Target


def connections(unit: Unit, workflow: Mapping[str, Any], nodes: int) -> Connections:
    """Return the connections of a workflow that has `nodes` nodes. Report parts with a wrong structure and leave them
    out.
    """
    raw = workflow.get("connections")
    if raw is None or raw == []:
        if nodes > 1 and "connections" not in workflow:
            unit.report(ConnectionsMissing(at=unit.at(), nodes=nodes))
        return {}
    if not isinstance(raw, Mapping):
        _report_bad(unit, "/connections", f"it is {json_type_name(raw)}")
        return {}
    return {source: _types(unit, by_type, "/connections" + pointer(source)) for source, by_type in raw.items()}


def _types(unit: Unit, raw: Any, at: str) -> dict[str, list[list[Target] | None]]:
    if raw is None:
        return {}
    if not isinstance(raw, Mapping):
        _report_bad(unit, at, f"the connections of a node are {json_type_name(raw)}")
        return {}
    return {type_: _outputs(unit, outputs, at + pointer(type_)) for type_, outputs in raw.items()}


def _outputs(unit: Unit, raw: Any, at: str) -> list[list[Target] | None]:
    if raw is None:
        return []
    if not isinstance(raw, list):
        _report_bad(unit, at, f"the outputs are {json_type_name(raw)} instead of a list of lists")
        return []
    return [_targets(unit, each, at + pointer(index)) for index, each in enumerate(raw)]


def _targets(unit: Unit, raw: Any, at: str) -> list[Target] | None:
    if raw is None:
        return None
    if not isinstance(raw, list):
        _report_bad(unit, at, f"an output is {json_type_name(raw)} instead of a list of targets")
        return None
    targets = (_target(unit, each, at + pointer(index)) for index, each in enumerate(raw))
    return [each for each in targets if each is not None]


def _target(unit: Unit, raw: Any, at: str) -> Target | None:
    if raw is None:
        return None
    if not isinstance(raw, Mapping) or not isinstance(raw.get("node"), str):
        reason = "a target has no `node`" if isinstance(raw, Mapping) else f"a target is {json_type_name(raw)}"
        _report_bad(unit, at, reason)
        return None
    index, type_ = raw.get("index", 0), raw.get("type")
    usable = isinstance(index, int) and not isinstance(index, bool) and 0 <= index < 1000
    return Target(
        node=raw["node"], type=type_ if isinstance(type_, str) and type_ else MAIN, index=index if usable else 0
    )


def _report_bad(unit: Unit, at: str, reason: str) -> None:
    unit.report(BadConnections(at=unit.at(at), reason=reason))
