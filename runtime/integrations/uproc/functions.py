"""uProc: the processor's name and its parameters."""

from typing import Any, Final

from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string

_OWN: Final = ("group", "tool", "additionalOptions")


def process(scope: Scope) -> dict[str, Any]:
    """Return the processor, `getPhoneParsed` as `get-phone-parsed`, and every other parameter that the node shows."""
    parameters = scope.parameters
    tool = js_string(parameters.get("tool"))
    name = "".join(f"-{each.lower()}" if each.isupper() else each for each in tool)
    return {"processor": name, "params": {key: each for key, each in parameters.items() if key not in _OWN}}
