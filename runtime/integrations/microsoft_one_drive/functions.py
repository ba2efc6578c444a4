"""Microsoft OneDrive: the name of an uploaded file, and the pages of a list."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

_NEXT: Final = "@odata.nextLink"


def file_name(scope: Scope) -> Any:
    """Return the name to upload under: the node's, else that of the file; UNDEFINED when no file is uploaded."""
    if not scope.parameters.get("binaryData"):
        return UNDEFINED
    ref: Mapping[str, Any] = (scope.item.get("binary") or {}).get(
        js_string(scope.parameters.get("binaryPropertyName")), {}
    )
    return scope.parameters.get("fileName") or ref.get("fileName") or UNDEFINED


def next_page(scope: Scope) -> Any:
    """Return the address of the next page; UNDEFINED after the last."""
    answer = scope.names["response"]
    return answer.get(_NEXT, UNDEFINED) if isinstance(answer, Mapping) else UNDEFINED
