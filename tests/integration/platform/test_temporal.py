"""Payloads on their way through a real Temporal: sealed, by claim check, and failing with a name."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from temporalio import activity, workflow
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.converter import WorkflowSerializationContext
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from runtime.platform.codec import RUN
from runtime.platform.embedded.process import free_port
from runtime.platform.keys import Keyring
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from runtime.platform.storage.blobs import BlobStore
from runtime.platform.temporal import TemporalUnavailable, connect, data_converter, ensure_search_attributes

CANARY = "canary-7f3a9c"


@activity.defn
async def double(value: Any) -> Any:
    return [value, value]


@workflow.defn(sandboxed=False)
class Doubling:
    """Passes what it got through an activity and a local activity."""

    @workflow.run
    async def run(self, value: Any) -> Any:
        limit = timedelta(seconds=10)
        first = await workflow.execute_activity(double, value, schedule_to_close_timeout=limit)
        second = await workflow.execute_local_activity(double, value, schedule_to_close_timeout=limit)
        return {"first": first, "second": second}


@asynccontextmanager
async def working(client: Client) -> AsyncIterator[str]:
    queue = f"test-{uuid.uuid4()}"
    async with Worker(client, task_queue=queue, workflows=[Doubling], activities=[double], max_cached_workflows=0):
        yield queue


def run_id(tenant: str) -> str:
    return f"{tenant}:doubling:{uuid.uuid4()}"


async def test_a_small_payload_is_sealed_in_history(temporal: Client, tenants: tuple[str, str]) -> None:
    async with working(temporal) as queue:
        handle = await temporal.start_workflow(Doubling.run, CANARY, id=run_id(tenants[0]), task_queue=queue)
        assert await handle.result() == {"first": [CANARY] * 2, "second": [CANARY] * 2}
    history = await handle.fetch_history()
    assert CANARY.encode() not in b"".join(event.SerializeToString() for event in history.events)


async def test_a_large_payload_leaves_history_and_equal_ones_share_a_row(
    temporal: Client, tenants: tuple[str, str], database: Database
) -> None:
    large = {"text": CANARY * 40_000, "n": 1.5, "deep": [{"a": None}]}
    async with working(temporal) as queue:
        handle = await temporal.start_workflow(Doubling.run, large, id=run_id(tenants[0]), task_queue=queue)
        result = await handle.result()
    assert result == {"first": [large, large], "second": [large, large]}
    history = await handle.fetch_history()
    assert sum(event.ByteSize() for event in history.events) < 8192
    async with database.tenant_transaction(tenants[0]) as connection:
        cursor = await connection.execute("select count(*) as n from payload_uses where workflow_id = %s", (handle.id,))
        row = await cursor.fetchone()
    # the input (workflow, activity input), the pair (activity result, local activity result), the workflow's result
    assert row is not None
    assert row["n"] == 3


async def test_another_tenant_cannot_open_a_payload(temporal: Client, tenants: tuple[str, str]) -> None:
    def of(tenant: str) -> WorkflowSerializationContext:
        return WorkflowSerializationContext(namespace="default", workflow_id=f"{tenant}:t:1")

    payloads = await temporal.data_converter.with_context(of(tenants[0])).encode([CANARY])
    with pytest.raises(Exception, match="sealed for another run"):
        await temporal.data_converter.with_context(of(tenants[1])).decode(payloads)
    for payload in payloads:
        payload.metadata.pop(RUN, None)  # what an attacker can do who writes into the history
    with pytest.raises(Exception, match="not sealed for this tenant"):
        await temporal.data_converter.with_context(of(tenants[1])).decode(payloads)
    payloads = await temporal.data_converter.with_context(of(tenants[0])).encode([CANARY])
    assert await temporal.data_converter.with_context(of(tenants[0])).decode(payloads) == [CANARY]


async def test_a_payload_over_the_limit_fails_the_run_with_its_size(
    service: Settings, keys: Keyring, database: Database, tenants: tuple[str, str]
) -> None:
    limited = BlobStore(database, keys, limit=300_000)
    client = await connect(service, data_converter(service, keys, limited))
    async with working(client) as queue:
        handle = await client.start_workflow(Doubling.run, "x" * 200_000, id=run_id(tenants[0]), task_queue=queue)
        with pytest.raises(WorkflowFailureError) as failed:
            await handle.result()
    cause: BaseException | None = failed.value
    while cause is not None and not (isinstance(cause, ApplicationError) and cause.type == "BlobTooLarge"):
        cause = cause.__cause__
    assert cause is not None
    assert "over the limit of 300,000 bytes" in str(cause)


async def test_search_attributes_are_there_and_registering_them_again_is_harmless(
    temporal: Client, tenants: tuple[str, str]
) -> None:
    await ensure_search_attributes(temporal)
    tenant = SearchAttributeKey.for_keyword("TenantId")
    async with working(temporal) as queue:
        handle = await temporal.start_workflow(
            Doubling.run,
            1,
            id=run_id(tenants[0]),
            task_queue=queue,
            search_attributes=TypedSearchAttributes([SearchAttributePair(tenant, "searched")]),
        )
        await handle.result()
    assert (await handle.describe()).status == WorkflowExecutionStatus.COMPLETED
    assert (await handle.describe()).typed_search_attributes.get(tenant) == "searched"


async def test_a_temporal_that_does_not_answer_is_named(service: Settings, keys: Keyring, blobs: BlobStore) -> None:
    with pytest.raises(
        TemporalUnavailable, match=r"127\.0\.0\.1:1 does not answer\. Start it, or correct TEMPORAL_ADDRESS"
    ):
        await connect(service, data_converter(service, keys, blobs), address="127.0.0.1:1")


async def test_a_worker_shows_the_sdks_figures_where_the_settings_say(
    service: Settings, keys: Keyring, blobs: BlobStore
) -> None:
    address = f"127.0.0.1:{free_port()}"
    observed = service.model_copy(update={"metrics_address": address})
    client = await connect(observed, data_converter(observed, keys, blobs))
    async with working(client), httpx.AsyncClient() as http:
        figures = (await http.get(f"http://{address}/metrics")).text
    assert "temporal_worker_start_total" in figures
