"""Debug Helper: does nothing, or fails as it is told."""

from typing import Literal

from runtime.contract import Context, Dynamic, Inline, Items, NodeError, Outputs, param
from runtime.values.javascript import js_string
from schemas.node import Conditions

_THROW: Conditions = {"category": ["throwError"]}


class DebugHelper(Inline):
    """Gives no item, or raises an error."""

    type = "n8n-nodes-base.debugHelper"
    versions = (1,)

    category: Literal["doNothing", "throwError", "oom", "randomData"] = param(
        "throwError",
        unsupported={"oom": "no step may exhaust the memory", "randomData": "make the data with a Code node"},
    )
    throw_error_type: Dynamic[str] = param("NodeApiError", show=_THROW)
    throw_error_message: Dynamic[str] = param("Node has thrown an error", show=_THROW)

    def run(self, context: Context, items: Items) -> Outputs:
        """Return no item. Raise NodeError."""
        if self.category == "throwError" and items:
            raise NodeError(js_string(context.resolve(self, 0).throw_error_message))
        return [[]]
