"""The vendor of the storms: refuses first where retries are to be seen, and lets an agent end after one call of a tool."""

import time
from collections import Counter
from typing import Any, Final

from runtime.platform.embedded.fake_vendor import MODEL_PATHS, RecordedRequest, StandIn

__all__ = ["EFFECT", "Vendor"]

EFFECT: Final = "/effect/"
"""Path prefix of the requests that are counted: the kind follows."""
REFUSALS: Final = 2
"""How many requests of one run `/effect/flaky` refuses."""
SLOW_SECONDS: Final = {"once": 0.5, "tool": 0.2}
"""Kinds that take a while, so that a fault can meet them in the middle."""


class Vendor(StandIn):
    """See the module."""

    def __init__(self) -> None:
        super().__init__()
        self._refused: Counter[tuple[Any, Any]] = Counter()

    def answer(self, request: RecordedRequest) -> tuple[int, Any]:
        """Return status and body, and record the request."""
        status, body = super().answer(request)
        if request.path.endswith(MODEL_PATHS):
            return status, _after_a_tool(request.body, body)
        kind = request.path.removeprefix(EFFECT)
        time.sleep(SLOW_SECONDS.get(kind, 0))
        if kind == "flaky" and isinstance(request.body, dict):
            run = request.body.get("tenant"), request.body.get("id")
            self._refused[run] += 1
            if self._refused[run] <= REFUSALS:
                return 503, {"stand_in": True, "message": "try again"}
        return status, body


def _after_a_tool(request: Any, completion: Any) -> Any:
    """Return a last word in place of another call when the model has the answer of a tool."""
    messages = request.get("messages", []) if isinstance(request, dict) else []
    if any(each.get("role") == "tool" for each in messages):
        completion["choices"][0] |= {"message": {"role": "assistant", "content": "done"}, "finish_reason": "stop"}
    return completion
