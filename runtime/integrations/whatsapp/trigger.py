"""WhatsApp Trigger: the changes that a delivery reports."""

from collections.abc import Mapping
from typing import Any

from runtime.integrations.scope import Scope


def items(scope: Scope) -> list[Any]:
    """Return each change, with the name of its field. Raise TypeError when there are none, as in a delivery of something else."""
    return [
        {**value, "field": each.get("field")}
        for entry in scope.names["body"].get("entry")
        for each in entry.get("changes")
        if _is_wanted(value := each.get("value") or {}, scope)
    ]


def _is_wanted(value: Mapping[str, Any], scope: Scope) -> bool:
    """Return whether the node wants a change: what becomes of a message is told of those statuses alone that are chosen."""
    statuses = value.get("statuses")
    wanted = (scope.parameters.get("options") or {}).get("messageStatusUpdates")
    if statuses is None or wanted is None or "all" in wanted:
        return True
    return bool(wanted) and (not statuses or any(each.get("status") in wanted for each in statuses))
