"""Run each node's own rules, then the whole-graph checks of `compiler.checks`.

A finding about a node that never runs (disabled, or out of reach of every trigger) is a warning at most: n8n does not
look at such nodes either. Nor does a node that n8n refuses stop the triggers that do not lead to it, nor does n8n look at
the parameters of sub-nodes before it starts.
"""

from compiler.checks import CHECKS
from compiler.parameters.node_hooks import call_hook
from compiler.passes.suppress import suppress
from compiler.reachability import main_nodes, reachable_nodes, triggers
from compiler.targets import target_changes
from compiler.unit import BoundNode, Unit
from schemas.diagnostic import Diagnostic, Severity
from schemas.node import Node


def check(unit: Unit) -> None:
    """Run every check, soften findings about nodes that never run, and drop those that the author has suppressed."""
    for bound in unit.bound.values():
        if bound.instance is not None:
            _check_node(unit, bound, bound.instance)
    for run_check in CHECKS:
        unit.report(*run_check(unit))
    reachable, looked_at = reachable_nodes(unit), main_nodes(unit)
    unit.diagnostics[:] = [_soften(unit, finding, reachable, looked_at) for finding in unit.diagnostics]
    if refused := _refused_for_some(unit):
        unit.diagnostics[:] = [
            each.soften() if each.at.node in refused and each.refused else each for each in unit.diagnostics
        ]
    unit.report(*target_changes(unit))  # now it is known what runs here
    suppress(unit)


def _refused_for_some(unit: Unit) -> set[str]:
    """Return the nodes with issues where some trigger leads to none of them: a run of another trigger is refused when it starts."""
    with_issues = {name for name, bound in unit.bound.items() if bound.issues}
    reached = (unit.graph.downstream([name]) for name in triggers(unit))
    return with_issues if any(with_issues.isdisjoint(each) for each in reached) else set()


def _check_node(unit: Unit, bound: BoundNode, instance: Node) -> None:
    """Run the node's own rules for its ports and its parameters."""
    version = bound.node.type_version
    bound.outputs = call_hook(unit, bound, lambda: instance.outputs(version), 1)
    bound.required_inputs = call_hook(unit, bound, lambda: instance.required_inputs(version), None)
    if not bound.node.disabled:
        nothing: list[Diagnostic] = []
        unit.report(*call_hook(unit, bound, lambda: list(instance.check(bound.at, version)), nothing))


def _soften(unit: Unit, finding: Diagnostic, reachable: set[str], looked_at: set[str]) -> Diagnostic:
    name = finding.at.node
    if name in unit.bound and finding.code >= "N8T3":
        if finding.unsupported and finding.severity is Severity.ERROR:
            unit.bound[name].unsupported.append(finding.message)
        if name not in reachable or unit.bound[name].node.disabled:
            return finding.soften()
        if finding.refused and name not in looked_at:
            return finding.soften()
        if finding.refused and finding.level is Severity.ERROR:
            unit.bound[name].issues.append(finding.issue)
        if finding.unsupported and unit.options.allow_unsupported:
            return finding.soften()
    return finding
