"""LinkedIn: the text of a post in LinkedIn's little text format."""

import re
from typing import Final

from runtime.integrations.answers import ThrownError, unreadable
from runtime.integrations.scope import Scope
from schemas.item import UNDEFINED

_RESERVED: Final = re.compile(r"[(*)\[\]{}<>@|~_]")
"""Characters that begin a mention or a template; `#` stays, so that hashtags work."""


def commentary(scope: Scope) -> str:
    """Return the text with a backslash before each reserved character."""
    text = scope.parameters.get("text", UNDEFINED if scope.parameters.fact("text") else "")
    if text is None or text is UNDEFINED:
        raise unreadable(text, "replace", scope.index)
    if not isinstance(text, str):
        raise ThrownError("text.replace is not a function", description="A post is a text.", item=scope.index)
    return _RESERVED.sub(lambda found: f"\\{found[0]}", text)
