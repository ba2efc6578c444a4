"""Findings before a run: each node's own rule, then one whole-graph check per file of `compiler.checks`.

A finding about a node that never runs (disabled, or out of reach of every trigger) is a warning at most: n8n does not
look at such nodes either.
"""

from compiler.checks import CHECKS
from compiler.parameters.node_hooks import call_hook
from compiler.passes.suppress import suppress
from compiler.reachability import live
from compiler.unit import Bound, Unit
from schemas.diagnostic import Diagnostic, Severity
from schemas.node import Node


def check(unit: Unit) -> None:
    """Run every check, soften findings about nodes that never run, and drop those that the author has suppressed."""
    for bound in unit.bound.values():
        if bound.instance is not None:
            _ask(unit, bound, bound.instance)
    for each in CHECKS:
        unit.tell(*each(unit))
    reached = live(unit)
    unit.diagnostics[:] = [_softened(unit, each, reached) for each in unit.diagnostics]
    suppress(unit)


def _ask(unit: Unit, bound: Bound, instance: Node) -> None:
    """What the node's own code says about its ports and its parameters."""
    version = bound.node.type_version
    bound.outputs = call_hook(unit, bound, lambda: instance.outputs(version), 1)
    bound.required_inputs = call_hook(unit, bound, lambda: instance.required_inputs(version), None)
    if not bound.node.disabled:
        nothing: list[Diagnostic] = []
        unit.tell(*call_hook(unit, bound, lambda: list(instance.check(bound.at, version)), nothing))


def _softened(unit: Unit, found: Diagnostic, reached: set[str]) -> Diagnostic:
    name = found.at.node
    if name in unit.bound and found.code >= "N8T3":
        if found.unsupported and found.severity is Severity.ERROR:
            unit.bound[name].unsupported.append(found.message)
        if name not in reached or unit.bound[name].node.disabled:
            return found.soften()
        if found.refused and found.level is Severity.ERROR:
            unit.bound[name].issues.append(found.message)
        if found.unsupported and unit.options.allow_unsupported:
            return found.soften()
    return found
