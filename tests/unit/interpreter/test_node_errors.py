"""A node's error crosses the border of an activity as n8n's error object."""

import pytest

from runtime.agents.roots.root import CommandResult
from runtime.contract import NodeApiError, NodeError


def test_an_error_that_crossed_as_json_is_recorded_as_before() -> None:
    error = NodeApiError("Too many", http_code="429", description="Wait", item=2, data={"retryable": True})
    back = NodeError.from_json(error.to_json())
    assert back.to_json() == error.to_json()
    assert (back.item, back.name) == (2, "NodeApiError")


def test_the_error_of_a_call_loses_its_item_and_what_the_retry_loop_reads() -> None:
    error = NodeApiError("Too many", http_code="429", item=2, data={"retryable": True, "retryAfter": 3})
    with pytest.raises(NodeError) as raised:
        CommandResult(error=error.to_json()).get()
    assert raised.value.to_json() == {"name": "NodeApiError", "message": "Too many", "httpCode": "429"}
