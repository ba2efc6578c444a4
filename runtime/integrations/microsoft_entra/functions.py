"""Microsoft Entra ID: the form of a user's id."""

import re
from typing import Any, Final

from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string

_ID: Final = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
_PRINCIPAL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def is_no_user(scope: Scope) -> bool:
    """Return whether the user is given by something that is neither an id nor a principal name."""
    given: Any = scope.parameters.get("user")
    value = js_string(given.get("value", "") if isinstance(given, dict) else given or "")
    return not (_ID.fullmatch(value) or _PRINCIPAL.fullmatch(value))
