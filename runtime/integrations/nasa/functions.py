"""NASA: near Earth objects of all days."""

from collections.abc import Mapping
from typing import Any

from runtime.integrations.scope import Scope


def objects(scope: Scope) -> Any:
    """Return the objects of each day, a list per day."""
    answer = scope.names["response"]
    days = answer.get("near_earth_objects") if isinstance(answer, Mapping) else None
    return list(days.values()) if isinstance(days, Mapping) else answer
