"""Build the Plan from the Unit. No other code creates plans."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from compiler.checks.ports import input_count
from compiler.parameters.credential_refs import CredentialHosts, credential_hosts, credential_refs
from compiler.parameters.node_hooks import call_hook
from compiler.sites.concurrency import BadConcurrencyError, read_concurrency
from compiler.unit import BoundNode, Unit
from schemas.diagnostic.limits import PlanTooLarge
from schemas.export import MAIN, ExportNode
from schemas.expression import Placed
from schemas.facts import NodeIdentity
from schemas.plan import (
    Concurrency,
    Edge,
    Kind,
    Needs,
    OnError,
    Plan,
    Retry,
    Route,
    Schedule,
    Settings,
    Step,
)
from schemas.plan_facts import (
    RESUME_LINKS,
    STATIC_DATA,
    VARIABLES,
    needs_of,
    read_by,
    routes_of,
    schedules_of,
    step_facts,
)

AT_MOST_ONCE: Final = re.compile(r"(?:^|\s)delivery:\s*at-most-once\b", re.IGNORECASE)
TOOLS: Final = "ai_tool"
MAX_PLAN_BYTES: Final = 8 * 1024 * 1024
"""Bytes of a plan as canonical JSON. The whole plan is sent to every process that works on a run."""


def lower(unit: Unit) -> None:
    """Fill `unit.plan`, unless there is an error."""
    if unit.failed and not unit.options.lenient:
        return
    export = unit.export
    assert export is not None
    settings = _settings(export.settings, unit.options.timezone)
    enabled = [bound for bound in unit.bound.values() if bound.instance is not None and not bound.node.disabled]
    hosts = credential_hosts(unit.bound.values())
    unit.plan = Plan(
        workflow_id=export.id,
        name=export.name,
        active=export.active,
        settings=settings,
        steps=tuple(_step(unit, unit.bound[node.name], hosts) for node in export.nodes),
        wired=_wired(unit),
        pin_data={name: items for name, items in export.pin_data.items() if name in unit.bound},
        static_data=export.static_data,
        needs=_needs(unit, enabled, settings),
        routes=tuple(each for bound in enabled for each in _routes(unit, bound)),
        schedules=tuple(each for bound in enabled for each in _schedules(unit, bound)),
    )
    _check_size(unit)


def _wired(unit: Unit) -> tuple[str, ...] | None:
    assert unit.export is not None
    names = [node.name for node in unit.export.nodes if node.name in unit.export.connections]
    wired = [name for name in unit.export.connections if name in unit.bound]
    return None if wired == names else tuple(wired)


def _check_size(unit: Unit) -> None:
    """Report a plan that is too large. A plan is hardly larger than its export, so only large ones are measured."""
    if unit.plan is not None and unit.size > MAX_PLAN_BYTES // 2:
        size = len(unit.plan.canonical().encode("utf-8", "surrogatepass"))
        if size > MAX_PLAN_BYTES:
            unit.report(PlanTooLarge(at=unit.at(), size=size, limit=MAX_PLAN_BYTES))
            unit.plan = unit.plan if unit.options.lenient else None


def _step(unit: Unit, bound: BoundNode, hosts: CredentialHosts) -> Step:
    node = bound.node
    dangling = [each for each in unit.dangling if each.source == node.name and each.type == MAIN]
    wires = sorted([*unit.graph.out(node.name), *dangling], key=lambda each: (each.output, each.place))
    edges = tuple(Edge(output=each.output, target=each.target, input=each.input) for each in wires)
    entering = unit.graph.into(node.name)
    on_error = _on_error(node)
    routed = on_error is OnError.OUTPUT
    wired = max((each.output for each in edges), default=0) + 1
    connected = max((each.input for each in entering), default=-1) + 1
    has = input_count(bound)
    return Step(
        name=node.name,
        id=node.id,
        type=bound.declared.type if bound.declared else node.type,
        version=node.type_version,
        kind=bound.declared.kind if bound.declared else Kind.UNSUPPORTED,
        position=node.position,
        parameters=bound.parameters,
        expressions=tuple(Placed(at=each.at, expression=each.compiled.expression) for each in bound.expressions),
        credentials=credential_refs(node, hosts),
        edges=edges,
        inputs=connected,
        own_inputs=None if has is None or connected <= max(has, 1) else has,
        outputs=max(wired, 1 + routed) if bound.outputs is None else bound.outputs + routed,
        required_inputs=bound.required_inputs,
        on_error=on_error,
        retry=None if AT_MOST_ONCE.search(node.notes) else _retry(node),
        always_output_data=node.always_output_data,
        execute_once=node.execute_once,
        at_most_once=AT_MOST_ONCE.search(node.notes) is not None,
        disabled=node.disabled,
        subnodes=_subnodes(unit, node.name),
        reads=None if bound.reads is None else tuple(sorted(bound.reads)),
        ways=_ways(bound),
        trigger=bound.declared.trigger if bound.declared else None,
        webhook_id=node.webhook_id,
        notes=node.notes,
        agent=bound.specialist,
        issues=tuple(bound.issues),
        problem=bound.problem,
        **_facts(unit, bound),
    )


def _facts(unit: Unit, bound: BoundNode) -> dict[str, Any]:
    instance = bound.instance
    if instance is None:
        return {}
    return call_hook(unit, bound, lambda: step_facts(instance, bound.node.type_version), {})


def _needs(unit: Unit, enabled: list[BoundNode], settings: Settings) -> Needs:
    nodes = [bound.instance for bound in enabled if bound.instance is not None]
    reads = {name for bound in enabled for name in _names_read(bound)}
    default = Needs(variables=True, static_data=True, resume_links=True)
    return call_hook(unit, enabled[0], lambda: needs_of(nodes, reads, settings), default) if enabled else Needs()


def _names_read(bound: BoundNode) -> Iterator[str]:
    for site in bound.expressions:
        yield from read_by(site.compiled.expression)
    for program in bound.programs.values():
        yield from (VARIABLES, RESUME_LINKS, STATIC_DATA) if program.variables is None else program.variables


def _routes(unit: Unit, bound: BoundNode) -> tuple[Route, ...]:
    node, instance = bound.node, bound.instance
    assert instance is not None
    identity = NodeIdentity(node.name, node.id, node.webhook_id)
    return call_hook(unit, bound, lambda: routes_of(instance, identity), ())


def _schedules(unit: Unit, bound: BoundNode) -> tuple[Schedule, ...]:
    instance = bound.instance
    assert instance is not None
    return call_hook(unit, bound, lambda: schedules_of(instance, bound.node.name), ())


def _ways(bound: BoundNode) -> dict[str, tuple[str, ...]]:
    """Return how the programs read each node ("any" where a program does not say)."""
    ways: dict[str, set[str]] = {}
    for program in bound.programs.values():
        for name in program.reads or ():
            ways.setdefault(name, set()).update(program.ways.get(name, {"any"}))
    return {name: tuple(sorted(names)) for name, names in sorted(ways.items())}


def _subnodes(unit: Unit, root: str) -> dict[str, tuple[str, ...]]:
    """Return the sub-nodes of a root per connection type. Its tools are in the order in which n8n tells a model of them: the last
    connected one first.
    """
    by_type: dict[str, list[str]] = {}
    for each in sorted(unit.graph.sub_nodes(root), key=lambda link: link.input):
        names = by_type.setdefault(each.type, [])
        if not unit.bound[each.source].node.disabled and each.source not in names:
            names.append(each.source)
    if TOOLS in by_type:
        by_type[TOOLS].reverse()
    return {type_: tuple(names) for type_, names in by_type.items() if names}


def _on_error(node: ExportNode) -> OnError:
    """Return the node's reaction to errors. A node's code consults continueOnFail only if onError is absent, the engine always."""
    if node.on_error in (OnError.REGULAR, OnError.OUTPUT):
        return OnError(node.on_error)
    if not node.continue_on_fail:
        return OnError.STOP
    return OnError.REGULAR if node.on_error is None else OnError.INPUT


def _retry(node: ExportNode) -> Retry | None:
    """Return the retries as n8n clamps them: 2 to 5 tries, 0 to 5000 ms; 3 tries and 1000 ms if the number is 0 or
    absent.
    """
    if not node.retry_on_fail:
        return None
    tries, wait = node.max_tries or 3, node.wait_between_tries or 1000
    return Retry(tries=int(min(max(tries, 2), 5)), wait_ms=int(min(max(wait, 0), 5000)))


def _settings(raw: Mapping[str, Any], default_zone: str) -> Settings:
    zone, timeout, ids = raw.get("timezone"), raw.get("executionTimeout"), raw.get("callerIds")
    own = raw.get("tempor8")
    return Settings(
        order="v1" if raw.get("executionOrder") == "v1" else "v0",
        timezone=zone if isinstance(zone, str) and zone not in ("", "DEFAULT") else default_zone,
        error_workflow=_id_or_none(raw.get("errorWorkflow")),
        timeout_s=float(timeout) if isinstance(timeout, int | float) and timeout > 0 else None,
        caller_policy=_id_or_none(raw.get("callerPolicy")) or "workflowsFromSameOwner",
        caller_ids=tuple(each.strip() for each in ids.split(",") if each.strip()) if isinstance(ids, str) else (),
        save_success=raw.get("saveDataSuccessExecution") != "none",
        save_error=raw.get("saveDataErrorExecution") != "none",
        concurrency=_concurrency(raw),
        overlapping_waits=isinstance(own, Mapping) and own.get("overlappingWaits") is True,
        transient=isinstance(own, Mapping) and own.get("durability") == "transient",
    )


def _concurrency(raw: Mapping[str, Any]) -> Concurrency | None:
    try:
        return read_concurrency(raw)
    except BadConcurrencyError:  # reported by the check of the settings
        return None


def _id_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) and value not in ("", "DEFAULT") else None


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
