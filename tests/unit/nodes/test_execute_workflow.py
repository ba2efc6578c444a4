"""Execute Workflow from an address: what a server answers, and what n8n says of it."""

import json
from typing import Any, Final

import pytest

from cli.testing.case import run_case
from runtime.contract import HttpResponse
from runtime.hosts.local.offline import OfflineCapabilities
from tests.exports import export, node

URL: Final = "https://example.org/{{ $json.name }}.json"
CHILD: Final = json.dumps(export("sub", node("In", "executeWorkflowTrigger"), node("Out", "noOp")))
NO_WORKFLOW: Final = "Cannot read properties of undefined (reading 'find')"
BODIES: Final = {
    "good": (200, CHILD),
    "list": (200, "[]"),
    "text": (200, "{no json"),
    "empty": (200, ""),
    "gone": (404, "not here"),
    "down": (503, '{"message":"later"}'),
}
FAULTS: Final = {
    "list": NO_WORKFLOW,
    "text": NO_WORKFLOW,
    "empty": "Workflow does not exist.",
    "gone": '404 - "not here"',
    "down": '503 - {"message":"later"}',
}


class Server:
    """Answers by the name in the address."""

    async def request(self, method: str, url: str, **_: Any) -> HttpResponse:
        """See Http."""
        assert method == "GET"
        status, body = BODIES[url.rpartition("/")[2].removesuffix(".json")]
        return HttpResponse(status, "", [], body.encode(), url)


async def _run(mode: str, *names: str, **settings: Any) -> Any:
    tested = node("X", "executeWorkflow", 1.1, source="url", workflowUrl=f"={URL}", mode=mode, options={})
    case = {"workflow": export("case", node("Start", "executeWorkflowTrigger"), tested | settings), "start": "Start"}
    items = [{"json": {"name": name}} for name in names]
    return await run_case({**case, "input": items}, OfflineCapabilities(http=Server()))


@pytest.mark.parametrize("mode", ["once", "each"])
async def test_the_workflow_at_an_address_runs(mode: str) -> None:
    ran = await _run(mode, "good", "good")
    assert ran["nodes"]["X"][0]["outputs"] == [[{"name": "good"}] * 2]


@pytest.mark.parametrize("name", FAULTS)
async def test_what_is_no_workflow_is_the_error_of_its_item(name: str) -> None:
    ran = await _run("once", name, onError="continueRegularOutput")
    assert ran["nodes"]["X"][0]["outputs"] == [[{"error": FAULTS[name]}]]
    ran = await _run("each", "good", name)
    assert ran["error"]["message"] == "Error executing workflow with item at index 1"
    assert ran["error"]["description"] == FAULTS[name]


async def test_an_error_status_that_ends_the_run_has_the_text_of_its_status() -> None:
    ran = await _run("once", "gone")
    assert ran["error"]["message"] == "The resource you are requesting could not be found"
    assert (ran["error"]["description"], ran["error"]["type"]) == ("not here", "NodeApiError")
