"""Microsoft OneDrive: the name of an uploaded file, and the pages of a list."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

_NEXT: Final = "@odata.nextLink"
_DOWNLOAD: Final = "@microsoft.graph.downloadUrl"
_NODES_NAME: Final = 1.1
"""From this version on the name in the node goes before that of the file."""


def file_name(scope: Scope) -> Any:
    """Return the name to upload under: the node's or that of the file, which goes first in version 1; UNDEFINED: there is none."""
    name = scope.parameters.get("fileName")
    if not scope.parameters.get("binaryData"):
        return name or UNDEFINED
    member = js_string(scope.parameters.get("binaryPropertyName", UNDEFINED))
    ref: Mapping[str, Any] = (scope.item.get("binary") or {}).get(
        member, {"fileName": member}
    )  # missing: its use says so
    names = (ref.get("fileName"), name) if scope.version < _NODES_NAME else (name, ref.get("fileName"))
    return names[0] or names[1] or UNDEFINED


def content_url(scope: Scope) -> Any:
    """Return the address from which a file can be had that could not be had from its own; UNDEFINED: there is none."""
    return scope.names["found"].get(_DOWNLOAD, UNDEFINED) if isinstance(scope.names["found"], Mapping) else UNDEFINED


def next_page(scope: Scope) -> Any:
    """Return the address of the next page; UNDEFINED after the last."""
    answer = scope.names["response"]
    return answer.get(_NEXT, UNDEFINED) if isinstance(answer, Mapping) else UNDEFINED
