"""What Telegram's texts ask for."""

from typing import Any, Final

from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from runtime.values.patterns import compile_pattern
from schemas.item import UNDEFINED

__all__ = ["without_preview"]

_LINK: Final = compile_pattern(r"(?:https?|ftp|file)://\S|\S\.\S")
"""What n8n takes for a link (observed): also `1.5`."""


def without_preview(scope: Scope) -> Any:
    """Return true for a text without a link, which n8n sends without a preview; else UNDEFINED."""
    text = scope.parameters.get("text")
    return UNDEFINED if text is not None and _LINK.test(js_string(text)) else True
