"""Deliveries with another body that are signed as the vendor would sign them."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from api.triggers.responses import Refusal
from cli.testing.case import plan_of
from runtime.contract import NodeError
from runtime.integrations.triggers.signatures import _signature, _text, key_of
from runtime.integrations.values import evaluate
from tests.conformance.wire_triggers import NAME, export_of, received

__all__ = ["signed_anew"]


def signed_anew(type_: str, case: Mapping[str, Any], step: dict[str, Any], change: Callable[[Any], Any]) -> None:
    """Change the JSON of a delivery in place, and its signature where the old one was right; a body that is no JSON stays."""
    request = step["request"]
    try:
        body = json.loads(request["body"])
    except ValueError:
        return
    before = _digest(type_, case, step)
    request["body"] = json.dumps(change(body), ensure_ascii=False, separators=(",", ":"))
    after = _digest(type_, case, step)
    if before and after:
        headers = request["headers"]
        request["headers"] = {name: str(each).replace(before, after) for name, each in headers.items()}


def _digest(type_: str, case: Mapping[str, Any], step: Mapping[str, Any]) -> str:
    """Return the signature that a delivery should have; '' where there is none."""
    try:
        plan = plan_of(export_of(type_, case))
        now = datetime.fromisoformat(step["clock"]).timestamp() * 1000
        node, delivery = received(plan.step[NAME], case, step, now)
        signature = node._spec.signature
        if signature is None:
            return ""
        scope = node._delivery_scope(delivery, case["typeVersion"])
        key = key_of(signature, scope)
        message = _text(evaluate(signature.message, scope))
        return _signature(signature, key, message) if key and message else ""
    except (Refusal, NodeError, ValueError, AssertionError):
        return ""
