"""Webflow Trigger: the time of its deliveries."""

from typing import Any

from runtime.integrations.scope import Scope


def sent_at(scope: Scope) -> Any:
    """Return the seconds at which a delivery was sent: Webflow says milliseconds."""
    text = str(scope.names["headers"].get("x-webflow-timestamp") or "")
    return int(text) / 1000 if text.isdecimal() else None
