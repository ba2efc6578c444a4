"""Lists whose pages have no end: the node fails in words, long before the memory is full."""

from typing import Any

from tests.conformance.wire import run_wire_case


def test_a_cursor_that_leads_to_the_same_page_ends_the_node() -> None:
    """n8n would ask for ever."""
    page: dict[str, Any] = {"status": 200, "json": {"data": [{"id": 1}], "nextCursor": "same"}}
    case = {
        "typeVersion": 1, "parameters": {"resource": "workflow", "operation": "getAll", "returnAll": True, "filters": {}},
        "credentials": {"n8nApi": {"apiKey": "k", "baseUrl": "https://n8n.example.com/api/v1"}},
        "responses": [page] * 150, "input": [{"json": {}}],
    }  # fmt: skip
    done = run_wire_case("n8n-nodes-base.n8n", case)
    assert done["actual_error"]["message"] == "n8n gave pages without end"
    assert "Set a limit" in done["actual_error"]["description"]
    assert done["actual_error"]["service"]["operation"] == "workflow.getAll"
    assert len(done["actual_requests"]) == 102
