"""HTML to PDF: the body of a request for a document."""

from typing import Any, Final

from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string

_MEMBERS: Final = (
    "output_filename", "html_content", "css_content", "url", "full_page", "viewPortWidth", "viewPortHeight", "output_format",
    "wait_until", "wait_till",
)  # fmt: skip


def body(scope: Scope) -> dict[str, Any]:
    """Return the parameters of the operation, and the values for the placeholders of its HTML."""
    parameters = scope.parameters
    made = {name: parameters[name] for name in _MEMBERS if name in parameters}
    given = (parameters.get("dynamic_params") or {}).get("params") or []
    if pairs := [{js_string(each["key"]): each.get("value", "")} for each in given if each.get("key")]:
        made["dynamic_params"] = pairs
    return made
