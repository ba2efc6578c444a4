"""Stripe Trigger: events of an account."""

from runtime.integrations.scope import Scope
from runtime.integrations.triggers.signed_header import SignedHeader

_HEADER = SignedHeader("stripe-signature")
signed, signatures, sent_at = _HEADER.signed, _HEADER.signatures, _HEADER.sent_at


def events(scope: Scope) -> list[object]:
    """Return the event; nothing when its type is not wanted."""
    body, wanted = scope.names["body"], scope.parameters.get("events") or []
    return [body] if isinstance(body, dict) and body.get("type") and ("*" in wanted or body["type"] in wanted) else []
