"""Agents: what a model request costs over a call of the provider, and how much a run writes for items and for turns.

The provider is a process of its own on the loopback that answers at once; the worker is this process, with everything that it has in
production: egress guard, credentials, stored conversations.
"""

import asyncio
import json
import multiprocessing
import multiprocessing.connection
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import httpx
import orjson
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle

from bench.exports import START, Export, chain, node
from bench.quantiles import quantiles
from bench.webhook import state_folder
from cli.testing.case import plan_of
from cli.testing.temporal import CaseTemplates
from runtime.hosts.temporal.resources import WorkerResources
from runtime.hosts.temporal.worker import build_worker
from runtime.platform.credential_store import credential_store
from runtime.platform.embedded import EmbeddedProfile
from runtime.platform.embedded.fake_vendor import RecordedRequest, StandIn
from runtime.platform.keys import keyring
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from runtime.platform.storage.blobs import BlobStore
from runtime.platform.temporal import connect, data_converter
from schemas import names
from schemas.run import PAYLOAD_LIMIT, TASK_TIMEOUT, RunResult, StartInput
from service.tenants import TenantStore

ITEMS: Final = 100
ITEM_BYTES: Final = 2048
TURNS: Final = 100
QUEUE: Final = "agents"
TENANT: Final = "bench"
LANGCHAIN: Final = "@n8n/n8n-nodes-langchain."


class Provider(StandIn):
    """Calls the calculator until the last turn that the prompt names, and notes when each request came."""

    def answer(self, request: RecordedRequest) -> tuple[int, Any]:
        """Answer a request as OpenAI does; `/times`: when requests came, which are forgotten then."""
        if request.path == "/times":
            times, self.requests = [each.body for each in self.requests], []
            return 200, times
        messages = request.body["messages"]
        self.requests.append(RecordedRequest(request.method, request.path, {}, time.time()))
        turn = sum(each["role"] == "tool" for each in messages)
        message: dict[str, Any] = {"role": "assistant", "content": "done"}
        if turn < (TURNS - 1 if "until the last turn" in str(messages[0]["content"]) else 0):
            function = {"name": "Calculator", "arguments": json.dumps({"input": f"{turn}+1"})}
            message |= {"content": None, "tool_calls": [{"id": f"c{turn}", "type": "function", "function": function}]}
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        return 200, {
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "model": "m",
            "usage": usage,
        }


def _serve(port: "multiprocessing.connection.Connection") -> None:
    with Provider() as provider:
        port.send(provider.url)
        provider.wait()


async def measure() -> list[dict[str, Any]]:
    """One row for requests without tools (100 items of 2 KB), one for 100 turns with a tool each."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(there,), daemon=True)
    process.start()
    try:
        return await _with_provider(await asyncio.to_thread(here.recv))
    finally:
        process.terminate()
        process.join()


async def _with_provider(url: str) -> list[dict[str, Any]]:
    direct = await _direct(url)
    with state_folder() as folder:
        environment = {"TEMPOR8_STATE": folder, "TEMPOR8_EGRESS_ALLOW": "127.0.0.1/32"}
        async with EmbeddedProfile(Settings.load(environment), any_ports=True, ui=False) as profile:
            settings = profile.settings()
            assert settings.database_url is not None
            keys = keyring(settings)
            async with Database(settings.database_url.get_secret_value(), size=4, keys=keys) as database:
                await TenantStore(database, keys).create(TENANT)
                store, blobs = credential_store(settings, database, keys), BlobStore(database, keys)
                await store.put(TENANT, "openAiApi", "key", {"apiKey": "none", "url": f"{url}/v1"})
                client = await connect(settings, data_converter(settings, keys, blobs))
                resources = WorkerResources.of(settings, database, store, blobs)
                async with build_worker(client, resources.capabilities(), CaseTemplates(), QUEUE):
                    await _run(client, _export(tool=False), _items(3))
                    await _times(url)
                    rows = [
                        await _row(
                            client,
                            database,
                            url,
                            f"{ITEMS} items of {ITEM_BYTES} bytes",
                            _export(tool=False),
                            _items(ITEMS),
                        ),
                        await _row(
                            client,
                            database,
                            url,
                            f"{TURNS} turns with a tool",
                            _export(tool=True),
                            [{"json": {"n": 1}}],
                        ),
                    ]
                await resources.close()
    return [
        row | {"direct_ms": direct, "overhead_ms_p50": round(row["between_requests_ms"]["p50"] - direct["p50"], 1)}
        for row in rows
    ]


def _items(count: int) -> list[dict[str, Any]]:
    return [{"json": {"n": n, "text": f"{n} ".ljust(ITEM_BYTES, "x")}} for n in range(count)]


def _export(*, tool: bool) -> Export:
    chosen = {"__rl": True, "value": "m", "mode": "list"}
    model = node("Model", "", 1.2, {"model": chosen, "options": {}}, 200)
    model |= {"type": f"{LANGCHAIN}lmChatOpenAi", "credentials": {"openAiApi": {"id": "1", "name": "key"}}}
    text = "Call the calculator until the last turn" if tool else "={{ $json.text }}"
    parameters = {"promptType": "define", "text": text, "options": {"maxIterations": TURNS + 1}}
    export = chain(START, node("Agent", "", 2.2, parameters, 200) | {"type": f"{LANGCHAIN}agent"})
    calculator = node("Calculator", "", 1, {}, 200) | {"type": f"{LANGCHAIN}toolCalculator"}
    for part, connection in ((model, "ai_languageModel"), *([(calculator, "ai_tool")] if tool else [])):
        export["nodes"].append(part)
        export["connections"][part["name"]] = {connection: [[{"node": "Agent", "type": connection, "index": 0}]]}
    return export


async def _direct(url: str) -> dict[str, float]:
    """Return the milliseconds of a call of the provider on an open connection, with an item's text."""
    body = {"model": "m", "messages": [{"role": "user", "content": "x" * ITEM_BYTES}]}
    taken = list[float]()
    async with httpx.AsyncClient() as client:
        for _ in range(ITEMS):
            began = time.perf_counter()
            (await client.post(f"{url}/v1/chat/completions", json=body)).raise_for_status()
            taken.append((time.perf_counter() - began) * 1000)
    await _times(url)
    return quantiles(taken, (0.5,))


async def _times(url: str) -> list[float]:
    async with httpx.AsyncClient() as client:
        times: list[float] = (await client.get(f"{url}/times")).json()
    return times


async def _run(client: Client, export: Export, items: Sequence[dict[str, Any]]) -> WorkflowHandle[Any, Any]:
    run = names.workflow_id(TENANT, "agents", str(uuid.uuid4()))
    given = StartInput(
        plan=plan_of(export),
        tenant=TENANT,
        template="agents",
        execution_id=run,
        items=list(items),
        payload_limit=PAYLOAD_LIMIT,
    )
    handle: WorkflowHandle[Any, Any] = await client.start_workflow(
        "agents", given.to_json(), id=run, task_queue=QUEUE, task_timeout=TASK_TIMEOUT, result_type=dict
    )
    result = RunResult.model_validate(await handle.result())
    assert result.journal.status == "success", result.journal.error
    return handle


async def _row(
    client: Client, database: Database, url: str, what: str, export: Export, items: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    before, used = await _stored(database), time.process_time()
    handle = await _run(client, export, items)
    used = time.process_time() - used
    times = await _times(url)
    kinds, written = await _history(client, handle)
    gaps = [(later - earlier) * 1000 for earlier, later in pairwise(times)]
    return {
        "what": what, "requests": len(times), "between_requests_ms": quantiles(gaps, (0.5, 0.95)),
        "cpu_ms_of_worker": round(1000 * used / len(times), 1), "events": kinds.total(),
        "workflow_tasks": kinds["WORKFLOW_TASK_COMPLETED"], "activities": kinds["ACTIVITY_TASK_COMPLETED"],
        "markers": kinds["MARKER_RECORDED"],
        "history_kb": round(written / 1000), "stored_kb": round((await _stored(database) - before) / 1000),
        "items_kb": round(len(orjson.dumps(list(items))) / 1000),
    }  # fmt: skip


async def _history(client: Client, handle: WorkflowHandle[Any, Any]) -> tuple[Counter[str], int]:
    """Return events by type, and bytes, of a chain of runs."""
    kinds, written, run_id = Counter[str](), 0, handle.first_execution_run_id
    while run_id:
        events = (await client.get_workflow_handle(handle.id, run_id=run_id).fetch_history()).events
        kinds.update(EventType.Name(event.event_type).removeprefix("EVENT_TYPE_") for event in events)
        written += sum(event.ByteSize() for event in events)
        run_id = events[-1].workflow_execution_continued_as_new_event_attributes.new_execution_run_id
    return kinds, written


async def _stored(database: Database) -> int:
    """Return the bytes of payloads outside histories."""
    async with database.tenant_transaction(TENANT) as connection:
        cursor = await connection.execute("select coalesce(sum(size), 0)::bigint as size from payloads")
        row = await cursor.fetchone()
    return int(row["size"]) if row else 0
