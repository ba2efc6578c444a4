"""A run that fails starts its error workflow, once, with what is known of the failure."""

from typing import Any

import httpx
import pytest

from runtime.platform.postgres import Database
from tests.exports import export, node, set_
from tests.service import ended, eventually, started

pytestmark = pytest.mark.usefixtures("worker")


def watching(name: str) -> dict[str, Any]:
    return export(
        name,
        node("Failed", "errorTrigger"),
        set_(
            "Tell",
            text="={{ $json.workflow.name }}: {{ $json.execution.error.message }} in {{ $json.execution.lastNodeExecuted }}",
        ),
    )


async def messages(acme: httpx.AsyncClient, key: str, count: int = 1) -> list[str]:
    """What the runs of an error workflow made of it, when there are so many."""

    async def runs() -> Any:
        page = (await acme.get("/workflows", params={"template": key, "status": "completed"})).json()["items"]
        return page if len(page) >= count else None

    ended_runs = await eventually(runs)
    results = [(await acme.get(f"/workflows/{each['workflow_id']}/result")).json() for each in ended_runs]
    return [each["outputs"][0][0]["json"]["text"] for each in results]


async def test_the_error_workflow_of_the_settings_is_started(acme: httpx.AsyncClient) -> None:
    await acme.post("/templates", params={"key": "watcher"}, json=watching("Watcher"))
    broken = export("Broken", node("Start", "manualTrigger"), node("Stop", "stopAndError", errorMessage="no more"))
    broken["settings"]["errorWorkflow"] = "watcher"
    await acme.post("/templates", params={"key": "broken"}, json=broken)
    assert (await ended(acme, await started(acme, "broken")))["status"] == "failed"
    assert await messages(acme, "watcher") == ["Broken: no more in Stop"]


async def test_a_workflow_with_an_error_trigger_hears_of_its_own_failures_and_not_of_those_in_that(
    acme: httpx.AsyncClient,
) -> None:
    workflow = export("Both", node("Start", "manualTrigger"), node("Stop", "stopAndError", errorMessage="own"))
    watcher = watching("x")
    again = node("Again", "stopAndError", errorMessage="in the error workflow")
    workflow["nodes"] += [*watcher["nodes"], again]
    workflow["connections"] |= watcher["connections"] | {
        "Tell": {"main": [[{"node": "Again", "type": "main", "index": 0}]]}
    }
    assert (await acme.post("/templates", params={"key": "both"}, json=workflow)).status_code == 201
    await ended(acme, await started(acme, "both"))

    async def failed() -> Any:
        page = (await acme.get("/workflows", params={"template": "both", "status": "failed"})).json()["items"]
        return page if len(page) >= 2 else None

    runs = await eventually(failed)
    assert sorted(each["trigger"] for each in runs) == ["api", "error"]


async def test_an_error_workflow_that_is_not_there_changes_nothing(acme: httpx.AsyncClient) -> None:
    broken = export("Alone", node("Start", "manualTrigger"), node("Stop", "stopAndError", errorMessage="alone"))
    broken["settings"]["errorWorkflow"] = "nowhere"
    await acme.post("/templates", params={"key": "alone"}, json=broken)
    status = await ended(acme, await started(acme, "alone"))
    assert (status["status"], status["error"]["message"]) == ("failed", "alone")


async def test_an_error_workflow_reads_variables_and_has_links_of_its_own(
    acme: httpx.AsyncClient, database: Database
) -> None:
    """The failed workflow reads neither, so its plan must say that the workflow that it starts may."""
    async with database.tenant_transaction("acme") as connection:
        await connection.execute(
            "insert into variables (tenant_id, key, value) values ('acme', 'pager', 'ops') on conflict do nothing"
        )
    watcher = export(
        "Pager",
        node("Failed", "errorTrigger"),
        set_("Tell", text="={{ $vars.pager }} {{ $execution.resumeUrl.includes('/webhook-waiting/') }}"),
    )
    await acme.post("/templates", params={"key": "pager"}, json=watcher)
    broken = export("Pages", node("Start", "manualTrigger"), node("Stop", "stopAndError", errorMessage="no more"))
    broken["settings"]["errorWorkflow"] = "pager"
    await acme.post("/templates", params={"key": "pages"}, json=broken)
    assert (await ended(acme, await started(acme, "pages")))["status"] == "failed"
    assert await messages(acme, "pager") == ["ops true"]
