"""Facebook Graph API: the name of an uploaded file's form field."""

from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string


def file_field(scope: Scope) -> str:
    """Return the field's name: what stands before the colon in `field:binary`, else `file`."""
    field, colon, _ = js_string(scope.parameters.get("binaryPropertyName", "")).partition(":")
    return field if colon else "file"
