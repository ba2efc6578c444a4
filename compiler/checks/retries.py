"""Retries of operations that may have taken effect already."""

from collections.abc import Iterator
from typing import Final

from compiler.parameters.node_hooks import call_hook
from compiler.unit import BoundNode, Unit
from schemas.diagnostic import Diagnostic
from schemas.diagnostic.nodes import RetryOnMutation
from schemas.facts import is_literal

READ_OPERATIONS: Final = ("get", "search", "list", "select", "read", "lookup", "find", "download", "count", "execute")
"""Beginnings of the names of operations that change nothing."""


def retries(unit: Unit) -> Iterator[Diagnostic]:
    """Yield a finding for each node with Retry On Fail that changes something outside the workflow."""
    for bound in unit.bound.values():
        if bound.node.retry_on_fail and not bound.node.disabled:
            what = _mutation(unit, bound)
            if what is not None:
                yield RetryOnMutation(at=bound.at.within("retryOnFail"), node=bound.node.name, what=what)


def _mutation(unit: Unit, bound: BoundNode) -> str | None:
    """Return what the node changes, as its class declares it or, for an unknown type, as the name of its operation
    suggests.
    """
    instance = bound.instance
    if instance is not None:
        return call_hook(unit, bound, lambda: instance.mutation(bound.node.type_version), None)
    operation = bound.parameters.get("operation")
    if not isinstance(operation, str) or not operation or not is_literal(operation) or not bound.node.credentials:
        return None
    return None if operation.lower().startswith(READ_OPERATIONS) else f"its operation {operation!r}"
