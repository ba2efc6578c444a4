"""Linear Trigger: kinds of objects, and the time of deliveries."""

from typing import Any

from runtime.integrations.scope import Scope


def kinds(scope: Scope) -> list[str]:
    """Return the kinds of objects as Linear names them."""
    return [f"{each[:1].upper()}{each[1:]}" for each in scope.parameters.get("resources") or []]


def sent_at(scope: Scope) -> Any:
    """Return the seconds at which a delivery was sent: its body says milliseconds. One that does not say it came in time, as in n8n."""
    body = scope.names["body"]
    at = body.get("webhookTimestamp") if isinstance(body, dict) else None
    return (at if isinstance(at, int | float) and not isinstance(at, bool) else scope.now) / 1000
