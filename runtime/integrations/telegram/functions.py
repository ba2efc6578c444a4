"""What Telegram's texts ask for."""

from typing import Any, Final

from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from runtime.values.patterns import compile_pattern
from schemas.item import UNDEFINED

__all__ = ["text", "without_preview"]

_ATTRIBUTES_SINCE: Final = 1.1
"""The version from which n8n names itself below a message unless it is told not to."""

_NEVER_SINCE: Final = 1.2
"""The version from which no text has a preview unless it is asked for."""
_LINK: Final = compile_pattern(r"(?:https?|ftp|file)://\S|\S\.\S")
"""What n8n takes for a link (observed): also `1.5`."""


def text(scope: Scope) -> Any:
    """Return the text of a message. Where n8n writes its own name below it, which we do not, it makes a text of any value."""
    given = scope.parameters.get("text", UNDEFINED)
    attributes = (scope.parameters.get("additionalFields") or {}).get("appendAttribution", True)
    if scope.version < _ATTRIBUTES_SINCE or not attributes:
        return given
    return "undefined" if given is UNDEFINED else js_string(given)


def without_preview(scope: Scope) -> Any:
    """Return true for a text that n8n sends without a preview, in the first versions one without a link; else UNDEFINED."""
    text = scope.parameters.get("text")
    if scope.version >= _NEVER_SINCE:
        return True
    return UNDEFINED if text is not None and _LINK.test(js_string(text)) else True
