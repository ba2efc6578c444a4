"""LinkedIn: the text of a post in LinkedIn's little text format."""

import re
from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import NodeError
from runtime.integrations.answers import ThrownError, member_of_answer, unreadable
from runtime.integrations.scope import Scope
from runtime.values.binary import NoBinaryError, binary_of
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

_RESERVED: Final = re.compile(r"[(*)\[\]{}<>@|~_]")
"""Characters that begin a mention or a template; `#` stays, so that hashtags work."""


def author(scope: Scope) -> str:
    """Return who posts. Raise NodeError where the parameter that says it is not shown, which n8n's code reads all the same."""
    name = "person" if scope.parameters.get("postAs") == "person" else "organization"
    if scope.parameters.fact(name) is None:
        raise NodeError(f'Could not get parameter "{name}"')
    return f"urn:li:{name}:{js_string(scope.parameters.get(name, UNDEFINED))}"


def upload(scope: Scope) -> dict[str, Any]:
    """Return where the picture goes. Raise NodeError for an item without it, and for an answer that does not say."""
    try:
        binary_of(scope.item, scope.names["image"], scope.index)
    except NoBinaryError as error:
        raise NodeError(error.message, description=error.description, item=scope.index) from error
    slot = member_of_answer(scope.names["slot"], "value")
    if slot is None or slot is UNDEFINED:
        told = "null" if slot is None else "undefined"
        raise ThrownError(
            f"Cannot destructure property 'uploadUrl' of 'registerObject.value' as it is {told}.",
            description="LinkedIn answered with success, but without an address for the picture.",
            item=scope.index,
        )
    return dict(slot) if isinstance(slot, Mapping) else {}


def commentary(scope: Scope) -> str:
    """Return the text with a backslash before each reserved character."""
    text = scope.parameters.get("text", UNDEFINED if scope.parameters.fact("text") else "")
    if text is None or text is UNDEFINED:
        raise unreadable(text, "replace", scope.index)
    if not isinstance(text, str):
        raise ThrownError("text.replace is not a function", description="A post is a text.", item=scope.index)
    return _RESERVED.sub(lambda found: f"\\{found[0]}", text)
