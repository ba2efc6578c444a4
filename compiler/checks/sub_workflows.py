"""Calls of workflows that are not available."""

from collections.abc import Iterator
from typing import Any, Final

from compiler.unit import Unit
from schemas.diagnostic import Diagnostic
from schemas.diagnostic.nodes import SubWorkflowMissing

CALLS: Final = frozenset({"n8n-nodes-base.executeWorkflow", "@n8n/n8n-nodes-langchain.toolWorkflow"})


def sub_workflows(unit: Unit) -> Iterator[Diagnostic]:
    """Yield a finding for each call of an unknown id, if the known workflows were given."""
    known = unit.options.known
    if known is None:
        return
    for bound in unit.bound.values():
        if (
            bound.node.type in CALLS
            and not bound.node.disabled
            and bound.parameters.get("source") in (None, "database")
        ):
            id_ = _id(bound.parameters.get("workflowId"))
            if id_ and not id_.startswith("=") and id_ not in known:
                at = bound.at.within("parameters", "workflowId")
                yield SubWorkflowMissing(at=at, what="the workflow", id=id_)


def _id(value: Any) -> str:
    found = value.get("value") if isinstance(value, dict) else value
    return str(found) if isinstance(found, str | int) else ""
