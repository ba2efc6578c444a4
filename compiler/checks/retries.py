"""Retries of operations that may have taken effect already."""

from collections.abc import Iterator
from typing import Final

from compiler.unit import Bound, Unit
from schemas.diagnostic import Diagnostic
from schemas.diagnostic.nodes import RetryOnMutation

HTTP: Final = "n8n-nodes-base.httpRequest"
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
READS: Final = ("get", "search", "list", "select", "read", "lookup", "find", "download", "count", "execute")
SENDS: Final = frozenset({"n8n-nodes-base.emailSend", "n8n-nodes-base.discord", "n8n-nodes-base.twilio"})


def retries(unit: Unit) -> Iterator[Diagnostic]:
    """Yield a finding for each node with Retry On Fail that changes something outside the workflow."""
    for bound in unit.bound.values():
        if bound.node.retry_on_fail and not bound.node.disabled:
            what = _mutation(bound)
            if what is not None:
                yield RetryOnMutation(at=bound.at.within("retryOnFail"), node=bound.node.name, what=what)


def _mutation(bound: Bound) -> str | None:
    if bound.node.type == HTTP:
        method = str(bound.parameters.get("method") or bound.parameters.get("requestMethod") or "GET")
        return None if method.upper() in SAFE or method.startswith("=") else f"its {method} request"
    if bound.node.type in SENDS:
        return "its message"
    operation = bound.parameters.get("operation")
    if (
        isinstance(operation, str)
        and operation
        and not operation.startswith("=")
        and not operation.lower().startswith(READS)
    ):
        return f"its operation {operation!r}" if bound.node.credentials else None
    return None
