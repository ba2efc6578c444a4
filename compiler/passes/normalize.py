"""Turn a document into an `Export`: old and unusual forms are read as n8n reads them, and each change is reported.

The fields of the resulting export have their proper types, so that no later pass checks them again.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, TypeGuard

from compiler.passes.connections import connections
from compiler.source.source import json_type_name
from compiler.source.wrappers import explain_no_workflow, value_at
from compiler.unit import Unit
from schemas.diagnostic import Location, pointer
from schemas.diagnostic.graph import DuplicateName
from schemas.diagnostic.reading import (
    BadNode,
    NoNodes,
    Normalised,
    NotN8nTypes,
    TooManyNodes,
    Unwrapped,
    WrongType,
)
from schemas.export import Export, ExportNode

MAX_NODES: Final = 2_000
"""Nodes of one export, annotations included."""
NODE_TYPE: Final = re.compile(r"^(@[\w.-]+/)?[\w-]+\.\w+$")


def normalize(unit: Unit) -> None:
    """Fill `unit.export`, `unit.base` and `unit.pointers`."""
    assert unit.document is not None
    workflows, value = unit.document.workflows, unit.document.value
    if len(workflows) <= unit.options.workflow:
        unit.stop(explain_no_workflow(value, unit.at()))
        return
    unit.base = workflows[unit.options.workflow]
    if unit.base:
        unit.report(Unwrapped(at=unit.at(), wrapper=unit.base.strip("/")))
    _export(unit, value_at(value, unit.base))


def _export(unit: Unit, workflow: Mapping[str, Any]) -> None:
    nodes = _nodes(unit, workflow["nodes"])
    if unit.stopped:
        return
    unit.export = Export(
        name=_text(workflow.get("name")),
        id=_text(workflow.get("id")),
        active=workflow.get("active") is True,
        nodes=nodes,
        connections=connections(unit, workflow, len(nodes)),
        settings=_mapping(unit, workflow, "settings", unit.at()),
        pin_data=_pin_data(unit, workflow),
        static_data=_static_data(unit, workflow),
    )


# --- nodes ---


def _nodes(unit: Unit, raw: list[Any]) -> list[ExportNode]:
    if len(raw) > MAX_NODES:
        unit.stop(TooManyNodes(at=unit.at("/nodes"), nodes=len(raw), limit=MAX_NODES))
        return []
    nodes: dict[str, ExportNode] = {}
    for index, each in enumerate(raw):
        at = unit.at(f"/nodes/{index}")
        node = _node(unit, each, at)
        if node is None or any(shape.annotation for shape in unit.catalog.shapes(node.type)):
            continue
        if node.name in nodes:
            unit.report(DuplicateName(at=replace(at.within("name"), node=node.name), name=node.name))
        nodes[node.name] = node  # n8n: the last one counts
        unit.pointers[node.name] = f"/nodes/{index}"
    unique = list(nodes.values())
    if not unique and not unit.failed:
        unit.stop(NoNodes(at=unit.at("/nodes")))
    if unique and not any(NODE_TYPE.match(node.type) for node in unique):
        unit.stop(NotN8nTypes(at=unit.at("/nodes"), types=tuple(sorted({node.type for node in unique}))[:5]))
    return unique


def _node(unit: Unit, raw: Any, at: Location) -> ExportNode | None:
    reason = _not_a_node(raw)
    if reason is not None:
        unit.report(BadNode(at=at, reason=reason, advice="export the workflow from n8n again"))
        return None
    at = replace(at, node=str(raw["name"]), node_id=_text(raw.get("id")) or None)
    return ExportNode(
        name=str(raw["name"]),
        type=raw["type"],
        id=_text(raw.get("id")),
        type_version=_version(unit, raw, at),
        position=_position(raw.get("position")),
        parameters=_mapping(unit, raw, "parameters", at),
        credentials=_mapping(unit, raw, "credentials", at),
        webhook_id=_text(raw.get("webhookId")) or None,
        disabled=raw.get("disabled") is True,
        notes=_text(raw.get("notes")),
        on_error=_text(raw["onError"]) if "onError" in raw else None,
        continue_on_fail=_flag(unit, raw, "continueOnFail", at),
        always_output_data=_flag(unit, raw, "alwaysOutputData", at),
        execute_once=_flag(unit, raw, "executeOnce", at),
        retry_on_fail=_flag(unit, raw, "retryOnFail", at),
        max_tries=_number(unit, raw, "maxTries", at),
        wait_between_tries=_number(unit, raw, "waitBetweenTries", at),
    )


def _not_a_node(raw: Any) -> str | None:
    if not isinstance(raw, Mapping):
        return f"it is {json_type_name(raw)}"
    for field in ("name", "type"):
        value = raw.get(field)
        if value in (None, ""):
            other = raw.get("name") or raw.get("id") if field == "type" else raw.get("type")
            return f"it has no `{field}`" + (f" ({other!r})" if isinstance(other, str) else "")
        if not isinstance(value, str) and not (field == "name" and isinstance(value, int | float)):
            return f"its `{field}` is {json_type_name(value)}"
    return None


def _version(unit: Unit, raw: Mapping[str, Any], at: Location) -> float:
    if raw.get("typeVersion") is None:
        return unit.catalog.default_version(raw["type"])
    value = raw["typeVersion"]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    try:
        number = float(value if isinstance(value, str) else "")
    except ValueError:
        unit.report(_wrong(at.within("typeVersion"), "typeVersion", "a number", value))
        return 1
    unit.report(Normalised(at=at.within("typeVersion"), what=f"typeVersion {value!r} is read as the number {number:g}"))
    return number


def _position(raw: Any) -> tuple[float, float]:
    if isinstance(raw, Mapping):
        raw = [raw.get("x"), raw.get("y")]
    if isinstance(raw, list) and len(raw) >= 2 and all(_is_number(each) for each in raw[:2]):
        return (raw[0], raw[1])
    return (0, 0)


# --- the rest of a workflow ---


def _pin_data(unit: Unit, workflow: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    pinned: dict[str, list[dict[str, Any]]] = {}
    for name, raw in _mapping(unit, workflow, "pinData", unit.at()).items():
        items = raw if isinstance(raw, list) else [raw]
        if not all(isinstance(each, Mapping) for each in items):
            unit.report(_wrong(unit.at("/pinData" + pointer(name)), f"pinned data of {name!r}", "a list of items", raw))
        else:
            pinned[name] = [
                dict(each) if isinstance(each.get("json"), Mapping) else {"json": dict(each)} for each in items
            ]
    return pinned


def _static_data(unit: Unit, workflow: Mapping[str, Any]) -> dict[str, Any]:
    raw = workflow.get("staticData")
    if isinstance(raw, str) and raw:
        try:
            raw = json.loads(raw)
        except (ValueError, RecursionError):
            unit.report(_wrong(unit.at("/staticData"), "staticData", "an object", raw))
            return {}
        unit.report(Normalised(at=unit.at("/staticData"), what="staticData is read from its JSON text"))
    return dict(raw) if isinstance(raw, Mapping) else {}


def _mapping(unit: Unit, raw: Mapping[str, Any], field: str, at: Location) -> dict[str, Any]:
    value = raw.get(field)
    if isinstance(value, Mapping):
        return dict(value)
    if value not in (None, [], ""):  # what PHP and spreadsheets make of an empty object
        unit.report(_wrong(at.within(field), field, "an object", value))
    return {}


def _flag(unit: Unit, raw: Mapping[str, Any], field: str, at: Location) -> bool:
    value = raw.get(field)
    if value not in (None, True, False):
        unit.report(_wrong(at.within(field), field, "true or false", value))
    return value is True


def _number(unit: Unit, raw: Mapping[str, Any], field: str, at: Location) -> float:
    value = raw.get(field)
    if _is_number(value):
        return float(value)
    if value is not None:
        unit.report(_wrong(at.within(field), field, "a number", value))
    return 0


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _wrong(at: Location, field: str, expected: str, value: Any) -> WrongType:
    return WrongType(at=at, field=field, expected=expected, actual=json_type_name(value))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value) if _is_number(value) else ""
