"""What a task gets of the capabilities of its host, by the kind of its step."""

from typing import Any

import pytest

from cli.testing.case import run_case
from runtime.contract import Activity, ActivityContext, HttpResponse, Items, Outputs
from runtime.hosts.local.host import LocalHost
from runtime.hosts.local.offline import OfflineCapabilities
from runtime.interpreter.task_runner import run_task
from schemas.plan import Kind, Step
from schemas.task import Task, TaskResult
from tests.conformance.doubles import with_nodes
from tests.exports import export, node
from tests.unit.expressions.world import run_scripts


class Fetch(Activity):
    """Asks for a URL."""

    type = "test.fetch"
    versions = (1,)

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """The body."""
        del items
        response = await context.http.request("GET", "https://example.org/a")
        return [[{"json": {"body": response.body.decode()}}]]


class Answers:
    """HTTP that answers with the URL."""

    async def request(self, method: str, url: str, **options: Any) -> HttpResponse:
        """Status 200."""
        del method, options
        return HttpResponse(200, "OK", [], url.encode(), url)


async def _fetch(kind: Kind) -> TaskResult:
    step = Step(name="A", type="test.fetch", version=1, kind=kind)
    meta = {
        "tenant": "acme", "execution_id": "1", "now": 0.0, "timezone": "UTC", "seed": 1, "mode": "trigger",
        "workflow": {}, "connected_outputs": 1, "parents": [],
    }  # fmt: skip
    task: Task = {
        "step": step.model_dump(mode="json"), "inputs": [[{"json": {}}]], "source": [None], "run_index": 0,
        "columns": [], "memory": {}, "meta": meta,
    }  # fmt: skip
    catalog, capabilities = with_nodes(Fetch), OfflineCapabilities(http=Answers())
    return await run_task(task, catalog, capabilities, run_scripts, LocalHost(catalog, capabilities))


async def test_an_activity_reaches_the_network() -> None:
    assert (await _fetch(Kind.ACTIVITY))["outputs"] == [[{"json": {"body": "https://example.org/a"}}]]


@pytest.mark.parametrize(
    ("kind", "remedy"), [(Kind.LOCAL, "Remove `local = True` from Fetch"), (Kind.INLINE, "Make Fetch an Activity")]
)
async def test_a_step_of_a_pure_kind_that_asks_for_the_network_fails_with_a_remedy(kind: Kind, remedy: str) -> None:
    error = (await _fetch(kind))["error"]
    assert error["message"] == f"Fetch uses the capability 'http', which steps of the kind '{kind}' do not have"
    assert error["description"].startswith(remedy)


async def test_code_reaches_the_network_through_its_helpers_although_its_step_is_local() -> None:
    code = "return [{ json: { body: await this.helpers.httpRequest({ url: 'https://example.org/b' }) } }]"
    workflow = export("case", node("Start", "executeWorkflowTrigger"), node("Code", "code", 2, jsCode=code))
    case = {"workflow": workflow, "start": "Start", "input": [{"json": {}}]}
    ran = await run_case(case, OfflineCapabilities(http=Answers()))
    assert ran["nodes"]["Code"][0]["outputs"] == [[{"body": "https://example.org/b"}]]


def test_what_is_no_capability_cannot_be_replaced() -> None:
    with pytest.raises(AssertionError, match="smoke"):
        OfflineCapabilities(smoke=Answers())
