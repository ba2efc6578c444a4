"""Parameters of Airtop as n8n's node checks them before it asks."""

import re
from typing import Any, Final

from runtime.contract import NodeError
from runtime.integrations.answers import ThrownError
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string, truthy
from schemas.item import UNDEFINED

__all__ = ["file_id", "given", "profile", "url"]

_PROFILE: Final = re.compile(r"[a-zA-Z0-9-]+")


def given(scope: Scope, name: str, title: str) -> str:
    """Return a parameter without the blanks around it. Raise NodeError where it is empty or no text."""
    text = _trimmed(scope, name)
    if not text:
        raise NodeError(f"Please fill the '{title}' parameter", item=scope.index)
    return text


def file_id(scope: Scope) -> str:
    """Return the id of a file. Raise NodeError for an empty one."""
    return given(scope, "fileId", "File ID")


def profile(scope: Scope) -> str:
    """Return the name of a browser profile, which may be empty. Raise NodeError for one with other characters."""
    required = scope.parameters.get("operation") == "save"
    text = given(scope, "profileName", "Profile Name") if required else _trimmed(scope, "profileName")
    if text and not _PROFILE.fullmatch(text):
        raise NodeError("'Browser Profile ID' should only contain letters, numbers and dashes", item=scope.index)
    return text


def url(scope: Scope) -> str:
    """Return the address of a page. Raise NodeError for one of another scheme."""
    required = scope.parameters.get("operation") != "create"
    text = given(scope, "url", "URL") if required else _trimmed(scope, "url")
    if text and not text.startswith("http"):
        raise NodeError("'URL' must start with 'http' or 'https'", item=scope.index)
    return text


def _trimmed(scope: Scope, name: str) -> str:
    value: Any = scope.parameters.get(name, UNDEFINED)
    if isinstance(value, str) and value.startswith("={{"):  # n8n's default: an expression that reads the item
        value = scope.item.get("json", {}).get(name, UNDEFINED)
    if value is UNDEFINED or not truthy(value):
        return ""
    if not isinstance(value, str):
        raise ThrownError(f'({name} || "").trim is not a function')
    return js_string(value).strip()
