"""The facts of node classes as a plan carries them: the compiler writes them, old plans get them when they are read."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from schemas.expression import Expression, Path, Script, Template
from schemas.facts import BadScheduleError, NodeIdentity
from schemas.node import Catalog, Node, declarations
from schemas.plan import PLAN_VERSION, Needs, Plan, Route, Schedule, Settings, Step

__all__ = [
    "FACTS",
    "RESUME_LINKS",
    "STATIC_DATA",
    "VARIABLES",
    "declares_program",
    "has_program",
    "needs_of",
    "read_by",
    "routes_of",
    "schedules_of",
    "step_facts",
    "with_facts",
]

VARIABLES: Final = "$vars"
RESUME_LINKS: Final = "$execution"
STATIC_DATA: Final = "$getWorkflowStaticData"
_LINKS: Final = frozenset({"resumeUrl", "resumeFormUrl"})
FACTS: Final = {"overlaps", "loop", "speaks", "responds", "form_page"}
"""The members of `Step` that hold facts of its class. A task never needs them."""


def step_facts(node: Node, version: float) -> dict[str, Any]:
    """Return the members of `Step` that a class declares."""
    return {
        "overlaps": node.overlapping_wait(),
        "loop": node.loop_outputs(version),
        "speaks": node.speaks,
        "responds": node.responds,
        "form_page": node.form_page,
    }


def routes_of(node: Node, identity: NodeIdentity) -> tuple[Route, ...]:
    """Return where a trigger listens."""
    return tuple(node.routes(identity))


def schedules_of(node: Node, name: str) -> tuple[Schedule, ...]:
    """Return when a trigger starts runs; nothing where a rule cannot be read, which its class reports at compile time."""
    try:
        return tuple(Schedule(node=name, firing=each, poll=node.trigger == "poll") for each in node.firings(name))
    except BadScheduleError:
        return ()


def read_by(expression: Expression) -> Iterator[str]:
    """Yield which of VARIABLES, RESUME_LINKS and STATIC_DATA an expression may read."""
    if isinstance(expression, Script):
        yield from {VARIABLES, RESUME_LINKS, STATIC_DATA} & set(expression.variables)
    elif isinstance(expression, Template):
        for part in expression.parts:
            if isinstance(part, Path):
                yield from read_by(part)
    elif isinstance(expression, Path) and (
        expression.root == VARIABLES
        or (expression.root == RESUME_LINKS and (not expression.keys or expression.keys[0] in _LINKS))
    ):
        yield expression.root


def needs_of(nodes: Iterable[Node], reads: Iterable[str], settings: Settings) -> Needs:
    """Return what a run must have looked up.

    Args:
        nodes: the enabled nodes, with their parameters as written.
        reads: what expressions and programs may read, see `read_by`.
        settings: the plan's settings. A failed run starts its error workflow, which inherits variables and links.
    """
    enabled, names = list(nodes), set(reads)
    starts = settings.error_workflow is not None or any(
        node.trigger == "error" or node.starts_workflow() for node in enabled
    )
    return Needs(
        variables=starts or VARIABLES in names,
        static_data=STATIC_DATA in names or any(node.uses_static_data for node in enabled),
        resume_links=starts or RESUME_LINKS in names or any(node.waits_for() == "call" for node in enabled),
    )


def with_facts(plan: Plan, catalog: Catalog) -> Plan:
    """Return a plan of an earlier version with the facts of today's classes; a plan of this version as it is."""
    if plan.plan_version >= PLAN_VERSION:
        return plan
    steps, nodes, reads = [], [], set[str]()
    routes, schedules = list[Route](), list[Schedule]()
    for step in plan.steps:
        node = _bound(step, catalog)
        if node is None:
            steps.append(step)
            continue
        steps.append(step.model_copy(update=step_facts(node, step.version)))
        if step.disabled:
            continue
        nodes.append(node)
        reads.update(_read_by_step(step, node))
        routes += routes_of(node, NodeIdentity(step.name, step.id, step.webhook_id))
        schedules += schedules_of(node, step.name)
    facts = {"steps": tuple(steps), "routes": tuple(routes), "schedules": tuple(schedules)}
    return plan.model_copy(update=facts | {"needs": needs_of(nodes, reads, plan.settings)})


def _bound(step: Step, catalog: Catalog) -> Node | None:
    declared = catalog.find(step.type, step.version, step.parameters, step.subnodes)
    return declared.bind(step.parameters, step.version) if declared is not None else None


def _read_by_step(step: Step, node: Node) -> Iterator[str]:
    """A plan of version 1 does not say what its programs read, so they may read everything."""
    for placed in step.expressions:
        yield from read_by(placed.expression)
    if declares_program(type(node)):
        yield from (VARIABLES, RESUME_LINKS, STATIC_DATA)


def has_program(step: Step, catalog: Catalog) -> bool:
    """Return whether a step runs a program of its author, as Code nodes do."""
    declared = catalog.find(step.type, step.version, step.parameters, step.subnodes)
    return declared is not None and declares_program(declared)


def declares_program(node: type[Node]) -> bool:
    """Return whether nodes of this class run a program of their author."""
    return node.may_hold_code or any(declared.info.code for declared in declarations(node).values())
