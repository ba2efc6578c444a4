"""Webhooks: clashing paths, missing or unused Respond to Webhook nodes, missing authentication."""

from collections.abc import Iterator
from typing import Final

from compiler.unit import Bound, Unit
from schemas.diagnostic import Diagnostic
from schemas.diagnostic.nodes import NoRespondNode, RespondUnheard, WebhookClash
from schemas.diagnostic.security import OpenWebhook

WEBHOOK: Final = "n8n-nodes-base.webhook"
RESPOND: Final = "n8n-nodes-base.respondToWebhook"
WAIT: Final = "n8n-nodes-base.wait"
HEARS: Final = frozenset(
    {WEBHOOK, WAIT, "n8n-nodes-base.executeWorkflowTrigger", "@n8n/n8n-nodes-langchain.chatTrigger"}
)
"""Types whose caller may wait for a response. A sub-workflow responds for the workflow that called it."""


def webhooks(unit: Unit) -> Iterator[Diagnostic]:
    """Yield findings about each webhook and each Respond to Webhook node."""
    enabled = [bound for bound in unit.bound.values() if not bound.node.disabled]
    hooks = [bound for bound in enabled if bound.node.type == WEBHOOK]
    yield from _clashes(hooks)
    for bound in hooks:
        if bound.parameters.get("authentication", "none") == "none":
            yield OpenWebhook(at=bound.at, node=bound.node.name)
    for bound in enabled:
        if bound.node.type in (WEBHOOK, WAIT) and bound.parameters.get("responseMode") == "responseNode":
            after = unit.graph.downstream([bound.node.name])
            if not any(unit.bound[name].node.type in (RESPOND, *_CALLS) for name in after):
                yield NoRespondNode(at=bound.at.within("parameters", "responseMode"), node=bound.node.name)
        if bound.node.type == RESPOND and not _heard(unit, bound):
            yield RespondUnheard(at=bound.at, node=bound.node.name)


_CALLS: Final = ("n8n-nodes-base.executeWorkflow",)
"""A sub-workflow may respond instead."""


def _clashes(hooks: list[Bound]) -> Iterator[Diagnostic]:
    taken: dict[tuple[str, str], Bound] = {}
    for bound in hooks:
        path = str(bound.parameters.get("path") or bound.node.webhook_id or "").strip("/")
        methods = bound.parameters.get("httpMethod") or "GET"
        if path.startswith("=") or not path:
            continue
        for method in methods if isinstance(methods, list) else [methods]:
            other = taken.setdefault((str(method), path), bound)
            if other is not bound:
                at = bound.at.within("parameters", "path")
                name = bound.node.name
                yield WebhookClash(at=at, node=name, other=other.node.name, method=str(method), path=path)


def _heard(unit: Unit, bound: Bound) -> bool:
    for name in unit.graph.upstream([bound.node.name]):
        before = unit.bound[name]
        if before.node.type not in HEARS:
            continue
        mode = before.parameters.get("responseMode")
        if (
            before.node.type not in (WEBHOOK, WAIT)
            or mode in ("responseNode", "streaming")
            or str(mode).startswith("=")
        ):
            return True
    return False
