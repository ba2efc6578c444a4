"""Webhooks: clashing paths, missing or unused Respond to Webhook nodes, missing authentication."""

from collections.abc import Iterator
from typing import Final

from compiler.parameters.node_hooks import call_hook
from compiler.reachability import triggers
from compiler.sites.constants import listens
from compiler.unit import BoundNode, Unit
from schemas.diagnostic import Diagnostic
from schemas.diagnostic.security import OpenWebhook
from schemas.diagnostic.webhooks import LateParameter, NoRespondNode, RespondUnheard, WebhookClash
from schemas.facts import is_literal
from schemas.plan import Kind

ADDRESS: Final = frozenset({"path", "httpMethod", "responseMode", "responseData", "options.path"})
"""What decides where a trigger listens and how it answers."""
ANSWERS_WITHOUT: Final = 2
"""From this version on n8n answers a call with an error where no Respond to Webhook node comes after the webhook; runs of other
triggers start, and a Wait node waits on.
"""


def webhooks(unit: Unit) -> Iterator[Diagnostic]:
    """Yield findings about each webhook and each Respond to Webhook node."""
    enabled = [bound for bound in unit.bound.values() if not bound.node.disabled]
    hooks = [bound for bound in enabled if bound.declared is not None and bound.declared.trigger == "webhook"]
    yield from _clashes([bound for bound in hooks if bound.instance is None or not bound.instance.registers])
    for bound in enabled:
        if bound.declared is not None and listens(bound.declared):
            yield from _late(bound)
    for bound in hooks:
        if not _asks_who_calls(unit, bound):
            yield OpenWebhook(at=bound.at, node=bound.node.name)
    for bound in enabled:
        if _mode(unit, bound) == "responseNode":
            after = unit.graph.downstream([bound.node.name])
            if not any(_may_respond(unit.bound[name]) for name in after):
                finding = NoRespondNode(at=bound.at.within("parameters", "responseMode"), node=bound.node.name)
                refuses = [bound.node.name] == triggers(unit) and bound.node.type_version >= ANSWERS_WITHOUT
                yield finding if refuses else finding.soften()
        if bound.declared is not None and bound.declared.responds and not _may_have_caller(unit, bound):
            yield RespondUnheard(at=bound.at, node=bound.node.name)


def _late(bound: BoundNode) -> Iterator[Diagnostic]:
    """Yield a finding for each expression that is left: an error where a constant has to stand, a warning in options and texts."""
    for site in bound.expressions:
        at = bound.at.within("parameters", *site.at)
        finding = LateParameter(at=at, parameter=site.name, node=bound.node.name)
        yield finding if site.name in ADDRESS else finding.soften()


def _asks_who_calls(unit: Unit, bound: BoundNode) -> bool:
    """Return whether the node knows its callers: by its own authentication, or by the signature of a vendor."""
    instance = bound.instance
    if instance is not None and instance.registers:
        return call_hook(unit, bound, lambda: instance.verifies_deliveries(bound.node.type_version), True)
    return bool(bound.parameters.get("authentication", "none") != "none")


def _mode(unit: Unit, bound: BoundNode) -> str | None:
    """Return the response mode by which the node's callers are answered; None if it has no callers."""
    return call_hook(unit, bound, bound.instance.caller_mode, None) if bound.instance is not None else None


def _may_respond(bound: BoundNode) -> bool:
    """Return whether the node answers the caller, or starts a sub-workflow that may do so."""
    if bound.instance is None:
        return False
    return bound.instance.responds or (bound.instance.kind is not Kind.SUBNODE and bound.instance.starts_workflow())


def _clashes(hooks: list[BoundNode]) -> Iterator[Diagnostic]:
    owners: dict[tuple[str, str], BoundNode] = {}
    for bound in hooks:
        path = str(bound.parameters.get("path") or bound.node.webhook_id or "").strip("/")
        methods = bound.parameters.get("httpMethod") or "GET"
        if path.startswith("=") or not path:
            continue
        for method in methods if isinstance(methods, list) else [methods]:
            other = owners.setdefault((str(method), path), bound)
            if other is not bound:
                at = bound.at.within("parameters", "path")
                name = bound.node.name
                yield WebhookClash(at=at, node=name, other=other.node.name, method=str(method), path=path)


def _may_have_caller(unit: Unit, bound: BoundNode) -> bool:
    """Return whether a caller may wait for the node's answer. A sub-workflow answers for the workflow that called it."""
    for name in unit.graph.upstream([bound.node.name]):
        before = unit.bound[name]
        if before.declared is None or not before.declared.has_caller:
            continue
        mode = _mode(unit, before)
        if mode is None or mode in ("responseNode", "streaming") or not is_literal(mode):
            return True
    return False
