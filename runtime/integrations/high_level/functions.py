"""HighLevel: the members of a contact."""

from typing import Any

from runtime.integrations.filters import FILTERS
from runtime.integrations.scope import Scope


def contact(scope: Scope) -> dict[str, Any]:
    """Return the members of a contact to create or to change."""
    parameters = scope.parameters
    body = {name: parameters[name] for name in ("email", "phone") if parameters.get(name)}
    for name, each in (parameters.get("additionalFields") or parameters.get("updateFields") or {}).items():
        body[name] = FILTERS["split"](each) if name == "tags" else FILTERS["locator"](each)
    return body
