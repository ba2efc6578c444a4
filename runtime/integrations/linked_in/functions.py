"""LinkedIn: the text of a post in LinkedIn's little text format."""

import re
from typing import Final

from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string

_RESERVED: Final = re.compile(r"[(*)\[\]{}<>@|~_]")
"""Characters that begin a mention or a template; `#` stays, so that hashtags work."""


def commentary(scope: Scope) -> str:
    """Return the text with a backslash before each reserved character."""
    return _RESERVED.sub(lambda found: f"\\{found[0]}", js_string(scope.parameters.get("text", "")))
