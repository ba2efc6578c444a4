"""WhatsApp Trigger: the changes that a delivery reports."""

from collections.abc import Mapping
from typing import Any

from runtime.integrations.scope import Scope


def items(scope: Scope) -> list[Any]:
    """Return each change, with the name of its field."""
    changes = [each for entry in scope.names["body"].get("entry") or [] for each in entry.get("changes") or []]
    wanted = scope.parameters.get("updates") or []
    return [
        {**each.get("value", {}), "field": each.get("field")}
        for each in changes
        if each.get("field") in wanted and _is_wanted(each.get("value") or {}, scope)
    ]


def _is_wanted(value: Mapping[str, Any], scope: Scope) -> bool:
    """Return whether the node wants a change of a message's status."""
    statuses = value.get("statuses")
    wanted = (scope.parameters.get("options") or {}).get("messageStatusUpdates")
    if not statuses or wanted is None or "all" in wanted:
        return True
    return any(each.get("status") in wanted for each in statuses)
