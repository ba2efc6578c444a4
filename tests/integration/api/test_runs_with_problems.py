"""Runs whose data cannot be read, over REST: status and list say so, and so does the metric of all."""

from typing import Any

import httpx
import pytest

from api.dependencies import Dependencies
from tests.service import ended, eventually, started

pytestmark = pytest.mark.usefixtures("published")


async def test_a_run_whose_result_is_gone_says_so_in_status_and_list(
    acme: httpx.AsyncClient, globex: httpx.AsyncClient, dependencies: Dependencies
) -> None:
    """Its status is an answer and no error; its result is gone; other tenants' lists are as before."""
    run = await started(acme, "greeting", {"name": "x" * 100_000})
    await ended(acme, run)
    async with dependencies.database.tenant_transaction("acme") as connection:
        await connection.execute(
            "delete from payloads where address in (select address from payload_uses where workflow_id = %s)", (run,)
        )
    for route in ("status", "history"):
        answer = await acme.get(f"/workflows/{run}/{route}")
        assert answer.status_code == 200, answer.text
        (problem,) = answer.json()["problems"]
        assert (problem["kind"], problem["cause"]) == ("unreadable", "BlobMissing")
        assert "restore" in problem["hint"]
    assert (await acme.get(f"/workflows/{run}/result")).status_code == 410

    async def listed() -> Any:
        page = (await acme.get("/workflows", params={"problem": "true"})).json()
        return [each for each in page["items"] if each["workflow_id"] == run]

    # the row was whole before the data went: it is read again as after a restart
    async with dependencies.database.tenant_transaction("acme") as connection:
        await connection.execute(
            "insert into projector_retries (tenant_id, id, run_id, kind, next_try)"
            " select tenant_id, id, run_id, 'steps', now() from workflow_executions where id = %s on conflict do nothing",
            (run,),
        )
    (only,) = await eventually(listed)
    assert only["problems"][0]["cause"] == "BlobMissing"
    others = (await globex.get("/workflows", params={"problem": "true"})).json()["items"]
    assert run not in [each["workflow_id"] for each in others]
    later = (await acme.get("/workflows", params={"problem": "false"})).json()["items"]
    assert run not in [each["workflow_id"] for each in later]
