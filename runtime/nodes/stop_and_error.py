"""Stop and Error: ends the run with an error of the author's own."""

from typing import Any, Literal

from runtime.contract import Context, Dynamic, Inline, Items, NodeError, Outputs, param
from runtime.values.javascript import js_string, json_stringify
from runtime.values.json_text import NotJsonError, parse_json


class StopAndError(Inline):
    """Raises a message, or an object whose message it takes."""

    type = "n8n-nodes-base.stopAndError"
    versions = (1,)

    error_type: Dynamic[Literal["errorMessage", "errorObject"]] = param("errorMessage")
    error_message: Dynamic[str] = param("", show={"errorType": ["errorMessage"]}, required=True)
    error_object: Dynamic[Any] = param("", show={"errorType": ["errorObject"]})

    def run(self, context: Context, items: Items) -> Outputs:
        """Raise NodeError; the parameters are those of the first item."""
        del items
        p = context.resolve(self, 0)
        kind = str(self.error_type)  # which n8n takes as it is written
        if kind == "errorMessage":
            raise _from_message(p.given("error_message"))
        if kind != "errorObject" and not kind.startswith("="):
            raise NodeError('Could not get parameter "errorObject"')
        raise _from_object(p.given("error_object"))


def _from_message(message: Any) -> NodeError:
    if isinstance(message, str):
        return NodeError(message)
    if isinstance(message, list):
        return NodeError("")
    if not isinstance(message, dict):
        # n8n hands the value to an error class that expects an object
        return NodeError(f"Cannot use 'in' operator to search for 'description' in {js_string(message)}")
    text = message.get("message")
    return NodeError(text if isinstance(text, str) else "", description=message.get("description"))


def _from_object(value: Any) -> NodeError:
    try:
        content = parse_json(js_string(value))
    except NotJsonError as error:
        return NodeError(error.message)
    if content is None:
        return NodeError("Cannot read properties of null (reading 'message')")
    if not isinstance(content, dict):
        return NodeError(f"Error: {json_stringify(content)}")
    key = next((key for key in ("message", "description", "error") if content.get(key)), None)
    if key is None:
        return NodeError(f"Error: {json_stringify(content)}")
    description = content.get("description") if key == "message" else None
    return NodeError(js_string(content[key]), description=description if isinstance(description, str) else None)
