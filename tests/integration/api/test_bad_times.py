"""What goes wrong around a run: each is a clear error on it, nothing is lost, and it goes on where it can."""

import json
import time
from typing import Any, Final

import httpx
import pytest

from api.dependencies import Dependencies
from runtime.platform.postgres import Database, DatabaseUnavailable
from runtime.platform.storage.blobs import BlobStore
from tests.exports import export, node, set_
from tests.gates import gate, open_gate
from tests.service import ended, eventually, started

pytestmark = pytest.mark.usefixtures("worker")


async def test_a_workflow_that_calls_itself_ends_with_a_sentence(acme: httpx.AsyncClient) -> None:
    """No run is left behind at any of its levels."""
    call = {"workflowId": {"__rl": True, "value": "narcissus", "mode": "id"}, "options": {"waitForSubWorkflow": True}}
    itself = export(
        "Narcissus",
        node("In", "executeWorkflowTrigger", 1.1, inputSource="passthrough"),
        node("Again", "executeWorkflow", 1.2, source="database", mode="once", **call),
    )
    assert (await acme.post("/templates", params={"key": "narcissus"}, json=itself)).status_code == 201
    run = await started(acme, "narcissus")
    status = await ended(acme, run)
    assert status["status"] == "failed"
    assert "32 levels deep" in status["error"]["message"]

    async def closed() -> Any:
        listed = (await acme.get("/workflows", params={"template": "narcissus", "limit": 100})).json()["items"]
        return len(listed) == 33 and all(each["status"] == "failed" for each in listed)

    await eventually(closed)


def filing() -> dict[str, Any]:
    """Makes a file of the text that it gets, waits, and reads the file again."""
    return export(
        "Filing",
        node("In", "executeWorkflowTrigger", 1.1, inputSource="passthrough"),
        node(
            "File",
            "convertToFile",
            1.1,
            operation="toText",
            sourceProperty="text",
            binaryPropertyName="data",
            options={},
        ),
        gate("Wait"),
        node("Again", "code", 2, jsCode="return $('File').all()"),
        node(
            "Read", "extractFromFile", 1, operation="text", binaryPropertyName="data", destinationKey="text", options={}
        ),
    )


async def test_a_file_that_vanished_fails_the_step_that_reads_it(
    acme: httpx.AsyncClient, database: Database, dependencies: Dependencies
) -> None:
    """Once, and not again and again."""
    await acme.post("/templates", params={"key": "filing"}, json=filing())
    run = await started(acme, "filing", {"text": "gone soon " * 20_000})

    async def waits() -> Any:
        history = (await acme.get(f"/workflows/{run}/history")).json()
        return (history["active"] or {}).get("waiting")

    await eventually(waits)
    async with database.tenant_transaction("acme") as connection:
        await connection.execute(
            "delete from payloads p using payload_uses u where u.tenant_id = p.tenant_id and u.address = p.address"
            " and u.workflow_id = %s and p.size between 200000 and 210000",
            (run,),
        )
    await open_gate(acme, dependencies, run, 0)
    status = await ended(acme, run)
    assert status["status"] == "failed"
    assert "is gone" in status["error"]["message"], status
    assert status["error"]["node"] == "Read"


OUTAGE_SECONDS: Final = 1.5


async def test_a_run_waits_for_a_payload_store_that_is_down(
    acme: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its large payloads cannot be kept for a second; it ends as if nothing had been."""
    big = export(
        "Big",
        node("In", "executeWorkflowTrigger", 1.1, inputSource="passthrough"),
        node("Grow", "code", 2, jsCode="return [{json: {text: 'x'.repeat(200000) + $json.n}}]"),
        set_("Length", length="={{ $json.text.length }}"),
    )
    await acme.post("/templates", params={"key": "big"}, json=big)
    put = BlobStore.put
    refused: list[float] = []
    """When it was asked while it was away; it is back a second and a half after the first."""

    async def down(self: BlobStore, tenant: str, data: bytes, *, used_by: str) -> str:
        if not refused or time.monotonic() < refused[0] + OUTAGE_SECONDS:
            refused.append(time.monotonic())
            raise DatabaseUnavailable("the payload store is down")
        return await put(self, tenant, data, used_by=used_by)

    monkeypatch.setattr(BlobStore, "put", down)
    run = await started(acme, "big", {"n": 1})
    status = await ended(acme, run)
    assert refused
    assert status["status"] == "completed"
    result = (await acme.get(f"/workflows/{run}/result")).json()
    assert json.loads(result["outputs"][0][0]["json"]["length"]) == 200_001


async def test_a_payload_over_the_limit_is_reported_and_not_tried_again(acme: httpx.AsyncClient) -> None:
    """The service of these tests allows 64 MiB, as usual."""
    huge = export(
        "Huge",
        node("In", "executeWorkflowTrigger", 1.1, inputSource="passthrough"),
        node("Grow", "code", 2, jsCode="return [{json: {text: 'x'.repeat(70 * 1024 * 1024)}}]"),
        set_("After", n="1"),
    )
    await acme.post("/templates", params={"key": "huge"}, json=huge)
    status = await ended(acme, await started(acme, "huge", {"n": 1}))
    assert status["status"] == "failed"
    assert status["error"]["node"] == "Grow"
