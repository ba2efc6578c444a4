"""WhatsApp Trigger: the changes that a delivery reports."""

from collections.abc import Mapping
from typing import Any

from runtime.integrations.answers import iterated, member_of_answer
from runtime.integrations.scope import Scope
from schemas.item import UNDEFINED


def items(scope: Scope) -> list[Any]:
    """Return each change, with the name of its field. Raise NodeError when there are none, as in a delivery of something else."""
    made = []
    for entry in iterated(scope.names["body"].get("entry"), "entry"):
        for each in iterated(member_of_answer(entry, "changes"), "changes"):
            value, field = (member_of_answer(each, name) for name in ("value", "field"))
            value = value if isinstance(value, Mapping) else {}
            if _is_wanted(value, scope):
                made.append({**value, **({} if field is UNDEFINED else {"field": field})})
    return made


def _is_wanted(value: Mapping[str, Any], scope: Scope) -> bool:
    """Return whether the node wants a change: what becomes of a message is told of those statuses alone that are chosen."""
    statuses = value.get("statuses")
    wanted = (scope.parameters.get("options") or {}).get("messageStatusUpdates")
    if statuses is None or wanted is None or "all" in wanted:
        return True
    return bool(wanted) and (not statuses or any(member_of_answer(each, "status") in wanted for each in statuses))
