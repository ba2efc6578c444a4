"""A stored payload that cannot be read: the run waits and says its name; never a non-determinism error."""

import asyncio
import uuid
from typing import Any

import pytest
from pydantic import SecretStr
from temporalio.client import Client, WorkflowHandle

from bench.exports import START, chain, node, set_node
from cli.testing.case import plan_of
from cli.testing.temporal import CaseTemplates
from runtime.contract import HttpResponse
from runtime.hosts.local.offline import OfflineCapabilities
from runtime.hosts.temporal.worker import build_worker
from runtime.platform.keys import keyring, new_master_key
from runtime.platform.postgres import Database, DatabaseUnavailable
from runtime.platform.settings import Settings
from runtime.platform.storage.blobs import BlobStore
from runtime.platform.temporal import connect, data_converter
from schemas import names
from schemas.run import PAYLOAD_LIMIT, TASK_TIMEOUT, RunResult, StartInput
from service.run_problems.failures import opened
from tests.patience import attempts
from tests.service import eventually

pytestmark = pytest.mark.long

TENANT = "acme"
WAIT = node("Wait", "wait", 1.1, {"amount": 6, "unit": "seconds"}, 200)
HTTP = node("HTTP", "httpRequest", 4.2, {"url": "https://example.org", "options": {}}, 200)


def _items() -> list[dict[str, Any]]:
    return [{"json": {"text": str(uuid.uuid4()) * 4_000}}]


async def _start(temporal: Client, queue: str, export: dict[str, Any]) -> WorkflowHandle[Any, Any]:
    run = names.workflow_id(TENANT, "lost", str(uuid.uuid4()))
    given = StartInput(
        plan=plan_of(export),
        tenant=TENANT,
        template="lost",
        execution_id=run,
        items=_items(),
        payload_limit=PAYLOAD_LIMIT,
    )
    return await temporal.start_workflow(
        "lost", given.to_json(), id=run, task_queue=queue, task_timeout=TASK_TIMEOUT, result_type=dict
    )


async def _take_rows(database: Database, run: str) -> list[dict[str, Any]]:
    """Remove the stored payloads of a run, and return their rows."""
    async with database.tenant_transaction(TENANT) as connection:
        cursor = await connection.execute(
            "delete from payloads p using payload_uses u where u.tenant_id = p.tenant_id and u.address = p.address"
            " and u.workflow_id = %s returning p.tenant_id, p.address, p.sealed, p.size",
            (run,),
        )
        return list(await cursor.fetchall())


async def _put_rows(database: Database, rows: list[dict[str, Any]]) -> None:
    async with database.tenant_transaction(TENANT) as connection:
        for row in rows:
            await connection.execute("delete from payloads where address = %s", (row["address"],))
            await connection.execute(
                "insert into payloads (tenant_id, address, sealed, size) values (%s, %s, %s, %s)",
                (row["tenant_id"], row["address"], row["sealed"], row["size"]),
            )


async def _failure(handle: WorkflowHandle[Any, Any]) -> str:
    """Return the message with which a workflow task of the run fails."""
    for _ in attempts(0.2):
        async for event in handle.fetch_history_events():
            if event.HasField("workflow_task_failed_event_attributes"):
                return event.workflow_task_failed_event_attributes.failure.message
        await asyncio.sleep(0.2)
    raise AssertionError("no workflow task failed")


async def _has_begun_its_timer(handle: WorkflowHandle[Any, Any]) -> bool:
    return any([event.HasField("timer_started_event_attributes") async for event in handle.fetch_history_events()])


@pytest.mark.parametrize("replays", [False, True])
async def test_a_run_waits_for_a_payload_that_is_gone_and_goes_on_when_it_is_back(
    temporal: Client, tenants: tuple[str, str], database: Database, *, replays: bool
) -> None:
    """On the first read, and on replay in another process after a timer has begun."""
    del tenants
    queue = f"lost-{uuid.uuid4()}"
    handle = await _start(temporal, queue, chain(START, WAIT, set_node("After", 400, {"a": "1"})))
    if replays:
        async with build_worker(temporal, OfflineCapabilities(), CaseTemplates(), queue):
            await eventually(lambda: _has_begun_its_timer(handle))
    rows = await _take_rows(database, handle.id)
    assert rows
    async with build_worker(temporal, OfflineCapabilities(), CaseTemplates(), queue):
        message = await _failure(handle)
        assert rows[0]["address"].hex() in message
        assert "is gone" in message
        assert "ondeterminis" not in message
        await _put_rows(database, rows)
        result = RunResult.model_validate(await asyncio.wait_for(handle.result(), 60))
    assert result.journal.status == "success"


async def test_a_payload_that_another_key_sealed_is_named(
    temporal: Client, tenants: tuple[str, str], database: Database, service: Settings
) -> None:
    """A worker with another master key leaves the run waiting; one with the right key ends it."""
    del tenants
    queue = f"lost-{uuid.uuid4()}"
    handle = await _start(temporal, queue, chain(START, set_node("After", 400, {"a": "1"})))
    other = keyring(service.model_copy(update={"master_key": SecretStr(new_master_key())}))
    stranger = await connect(service, data_converter(service, other, BlobStore(database, other)))
    async with build_worker(stranger, OfflineCapabilities(), CaseTemplates(), queue):
        message = await _failure(handle)
    assert "stored payload" in message
    assert "master key that is neither current nor retired here" in message
    async with build_worker(temporal, OfflineCapabilities(), CaseTemplates(), queue):
        result = RunResult.model_validate(await asyncio.wait_for(handle.result(), 60))
    assert result.journal.status == "success"


async def test_a_payload_in_a_bucket_that_is_not_set_here_is_waited_for(
    temporal: Client, tenants: tuple[str, str], database: Database
) -> None:
    """The row says that the bytes are elsewhere: a setting is missing, and nothing is lost."""
    del tenants
    queue = f"lost-{uuid.uuid4()}"
    handle = await _start(temporal, queue, chain(START, set_node("After", 400, {"a": "1"})))
    rows = await _take_rows(database, handle.id)
    await _put_rows(database, [row | {"sealed": None} for row in rows])
    async with build_worker(temporal, OfflineCapabilities(), CaseTemplates(), queue):
        assert "TEMPOR8_S3_BUCKET" in await _failure(handle)
        await _put_rows(database, rows)
        result = RunResult.model_validate(await asyncio.wait_for(handle.result(), 60))
    assert result.journal.status == "success"


class Crashing(OfflineCapabilities):
    """The first request loses the stored payloads of its run, and then its worker."""

    def __init__(self, database: Database) -> None:
        super().__init__(http=self)
        self.database, self.run = database, ""
        self.rows: list[dict[str, Any]] = []

    async def request(self, method: str, url: str, **options: Any) -> HttpResponse:
        """See Http."""
        del method, options
        if self.rows:
            return HttpResponse(200, "OK", [], b"done", url)
        self.rows = await _take_rows(self.database, self.run)
        raise DatabaseUnavailable("gone for a moment")


async def test_an_activity_whose_input_is_gone_waits_too(
    temporal: Client, tenants: tuple[str, str], database: Database
) -> None:
    """Its attempts fail with the payload's name until the row is back."""
    del tenants
    queue, world = f"lost-{uuid.uuid4()}", Crashing(database)
    handle = await _start(temporal, queue, chain(START, HTTP))
    world.run = handle.id
    async with build_worker(temporal, world, CaseTemplates(), queue):
        for _ in attempts(0.2):
            await asyncio.sleep(0.2)
            pending = (await handle.describe()).raw_description.pending_activities
            failures = [await opened(temporal, handle.id, each.last_failure) for each in pending]
            if world.rows and any("is gone" in each.cause.message for each in failures):
                break
        else:
            raise AssertionError("no attempt failed for the payload")
        await _put_rows(database, world.rows)
        result = RunResult.model_validate(await asyncio.wait_for(handle.result(), 60))
    assert result.journal.status == "success"
