"""uProc: the processor's name and its parameters."""

from typing import Any, Final

from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

_OWN: Final = ("group", "tool", "additionalOptions")


def process(scope: Scope) -> dict[str, Any]:
    """Return the processor, `getPhoneParsed` as `get-phone-parsed`, and every other parameter that the node shows."""
    parameters = scope.parameters
    tool = js_string(parameters.get("tool", UNDEFINED))
    name = "".join(f"-{each.lower()}" if each.isupper() else each for each in tool)
    callback = _callback(parameters.get("additionalOptions"))
    given = {key: _text(each) for key, each in parameters.items() if key not in _OWN}
    return {"processor": name, "params": given} | ({"callback": callback} if callback else {})


def _text(value: Any) -> Any:
    """Return a number as a text, as n8n sends it."""
    return js_string(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _callback(given: Any) -> dict[str, Any]:
    """Return where uProc is to send its answer."""
    address = given.get("dataWebhook") if isinstance(given, dict) else None
    return {"data": address} if address else {}
