"""Calls of workflows that are not available."""

from collections.abc import Iterator

from compiler.parameters.node_hooks import call_hook
from compiler.unit import Unit
from schemas.diagnostic import Diagnostic
from schemas.diagnostic.nodes import SubWorkflowMissing


def sub_workflows(unit: Unit) -> Iterator[Diagnostic]:
    """Yield a finding for each call of an unknown id, if the known workflows are passed in."""
    known = unit.options.known
    if known is None:
        return
    for bound in unit.bound.values():
        if bound.instance is None or bound.node.disabled:
            continue
        id_ = call_hook(unit, bound, bound.instance.started_workflow, None)
        if id_ and id_ not in known:
            yield SubWorkflowMissing(at=bound.at.within("parameters", "workflowId"), what="the workflow", id=id_)
