"""Facebook Graph API: the name of an uploaded file's form field."""

from collections.abc import Mapping
from typing import Any

from runtime.integrations.scope import Scope
from runtime.values.binary import NoBinaryError, binary_of
from runtime.values.javascript import js_string
from runtime.values.json_text import NotJsonError, parse_json
from schemas.item import UNDEFINED


def file_field(scope: Scope) -> str:
    """Return the field's name: what stands before the colon in `field:binary`, else `file`."""
    field, colon, _ = js_string(scope.parameters.get("binaryPropertyName", "")).partition(":")
    return field if colon else "file"


def missing_file(scope: Scope) -> Any:
    """Return what n8n says of an item without the file, which fails the node; UNDEFINED where it is there."""
    name = js_string(scope.parameters.get("binaryPropertyName", "")).rpartition(":")[2]
    try:
        binary_of(scope.item, name, scope.index)
    except NoBinaryError as error:
        return error.message
    return UNDEFINED


def further(scope: Scope) -> dict[str, Any]:
    """Return the parameters that are given as JSON: none where it cannot be read, as in n8n."""
    given = (scope.parameters.get("options") or {}).get("queryParametersJson")
    try:
        value = {} if given is None or given == "" else parse_json(js_string(given))
    except NotJsonError:
        return {}
    if isinstance(value, list):
        return {str(i): each for i, each in enumerate(value)}
    return dict(value) if isinstance(value, Mapping) else {}
