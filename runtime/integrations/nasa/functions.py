"""NASA: near Earth objects."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from runtime.integrations.filters import FILTERS
from runtime.integrations.scope import Scope


def objects(scope: Scope) -> Any:
    """Return the objects of the first day, as n8n does."""
    answer = scope.names["response"]
    days = answer.get("near_earth_objects") if isinstance(answer, Mapping) else None
    return next(iter(days.values()), []) if isinstance(days, Mapping) else answer


def since(scope: Scope) -> Any:
    """Return the first day of a list of events: the node's, or thirty days ago."""
    given = (scope.parameters.get("additionalFields") or {}).get("startDate")
    ago = datetime.fromtimestamp(scope.now / 1000, UTC) - timedelta(days=30)
    return FILTERS["date"](given) if given else ago.date().isoformat()
