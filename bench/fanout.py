"""A sub-workflow per item, beside the same by hand, and an agent of ten turns per item: time, memory of the worker, and the
longest history of the run.

The worker is this process; the model is a script that answers at once, so that what is measured is ours and Temporal's. The issue's
own numbers take an hour: `BENCH_ITEMS=256,20000 BENCH_AGENT_ITEMS=2000`. What grows faster than the items shows as quarters of the
run: the seconds and the memory of the last one against those of the first.
"""

import asyncio
import gc
import json
import os
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from bench import handwritten
from bench.exports import START, Export, chain, node, set_node
from bench.long import megabytes
from bench.webhook import state_folder
from cli.testing.case import plan_of
from cli.testing.temporal import CaseTemplates
from runtime.contract import HttpResponse
from runtime.hosts.local.offline import OfflineCapabilities
from runtime.hosts.temporal.worker import build_worker
from runtime.platform.embedded import EmbeddedProfile
from runtime.platform.keys import keyring
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from runtime.platform.storage.blobs import BlobStore
from runtime.platform.temporal import connect, data_converter
from schemas import names
from schemas.run import PAYLOAD_LIMIT, TASK_TIMEOUT, RunResult, StartInput
from service.tenants import TenantStore

COUNTS: Final = tuple(int(each) for each in os.environ.get("BENCH_ITEMS", "256,2000").split(",") if each)
AGENT_ITEMS: Final = int(os.environ.get("BENCH_AGENT_ITEMS", "200"))
QUARTERS: Final = 4
TURNS: Final = 10
QUEUE: Final = "fanout"
LANGCHAIN: Final = "@n8n/n8n-nodes-langchain."


class _World(OfflineCapabilities):
    """A model that calls the calculator until its last turn."""

    def __init__(self) -> None:
        super().__init__(http=self, credentials=self, models=self)
        self.token_limit = 1_000_000_000

    async def admit(self, node: str, *, priced: bool) -> None:
        """See `Models`: no limits."""

    async def spend(self, node: str, *, tokens: int, cost_usd: float | None, seconds: float) -> None:
        """See `Models`: nothing is counted."""

    async def get(self, type_: str, item: int = 0) -> dict[str, Any]:
        """Any type has the same."""
        del type_, item
        return {"apiKey": "none", "url": "https://model.example/v1"}

    async def request(self, method: str, url: str, **options: Any) -> HttpResponse:
        """The next turn of a talk."""
        del method
        messages = json.loads(options["content"])["messages"]
        turn = sum(each["role"] == "tool" for each in messages)
        message: dict[str, Any] = {"role": "assistant", "content": "done"}
        if turn < TURNS - 1:
            function = {"name": "Calculator", "arguments": json.dumps({"input": f"{turn}+1"})}
            message |= {"content": None, "tool_calls": [{"id": f"c{turn}", "type": "function", "function": function}]}
        body = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "model": "scripted"}
        return HttpResponse(200, "OK", [("content-type", "application/json")], json.dumps(body).encode(), url)


class _Templates(CaseTemplates):
    async def find(self, tenant: str, reference: dict[str, Any]) -> dict[str, Any]:
        """See CaseTemplates: the child has no static data."""
        return await super().find(tenant, reference) | {"reusable": True}


async def measure() -> list[dict[str, Any]]:
    """One row per count of items, and one for the agent."""
    templates = _Templates()
    body = set_node("Add", 200, {"b": "={{ $json.n + 1 }}"})
    templates.plans["child"] = plan_of(
        chain(node("In", "executeWorkflowTrigger", 1.1, {"inputSource": "passthrough"}, 0), body)
    )
    with state_folder() as folder:
        async with EmbeddedProfile(Settings.load({"TEMPOR8_STATE": folder}), any_ports=True, ui=False) as profile:
            settings = profile.settings()
            assert settings.database_url is not None
            async with Database(settings.database_url.get_secret_value(), size=4, keys=keyring(settings)) as database:
                keys = keyring(settings)
                await TenantStore(database, keys).create("bench")
                client = await connect(settings, data_converter(settings, keys, BlobStore(database, keys)))
                async with build_worker(client, _World(), templates, QUEUE):
                    await _measured(client, "warm", _each(), [{"json": {"n": n}} for n in range(20)])
                    rows = [
                        await _measured(client, "sub-workflows", _each(), [{"json": {"n": n}} for n in range(count)])
                        for count in COUNTS
                    ]
                    if COUNTS:
                        rows.append(await _handwritten(settings))
                    questions = [{"json": {"q": f"What is {n}?"}} for n in range(AGENT_ITEMS)]
                    if questions:
                        rows.append(await _measured(client, f"agent of {TURNS} turns", _agent(), questions))
    return rows


async def _handwritten(settings: Settings) -> dict[str, Any]:
    """The same by hand for the first count: what of the time over the children's own is the server's and the SDK's."""
    client = await Client.connect(settings.temporal_address or "")
    items = [{"n": n} for n in range(COUNTS[0])]
    workflows: list[type] = [handwritten.Added, handwritten.EachAdded]
    async with Worker(client, task_queue=handwritten.QUEUE, workflows=workflows):
        await client.execute_workflow(
            handwritten.EachAdded.run, items[:20], id=str(uuid.uuid4()), task_queue=handwritten.QUEUE
        )
        began = time.perf_counter()
        handle = await client.start_workflow(
            handwritten.EachAdded.run, items, id=str(uuid.uuid4()), task_queue=handwritten.QUEUE
        )
        out = await handle.result()
        seconds = time.perf_counter() - began
    chain_ = _Chain()
    await chain_.read(client, handle)
    return {
        "what": "sub-workflows, by hand", "items": len(items), "items_out": len(out), "seconds": round(seconds, 1),
        "load_average": os.getloadavg()[0], "seconds_over_the_children": round(seconds - chain_.own, 2),
    }  # fmt: skip


def _each() -> Export:
    call = {"workflowId": {"__rl": True, "value": "child", "mode": "id"}, "mode": "each", "options": {}}
    return chain(START, node("Call", "executeWorkflow", 1.2, call, 200))


def _agent() -> Export:
    chosen = {"__rl": True, "value": "m", "mode": "list"}
    model = node("Model", "", 1.2, {"model": chosen, "options": {}}, 200)
    model |= {"type": f"{LANGCHAIN}lmChatOpenAi", "credentials": {"openAiApi": {"id": "1", "name": "o"}}}
    tool = node("Calculator", "", 1, {}, 200) | {"type": f"{LANGCHAIN}toolCalculator"}
    options = {"batching": {"batchSize": 20}}
    agent = node("Agent", "", 2.2, {"promptType": "define", "text": "={{ $json.q }}", "options": options}, 200)
    export = chain(START, agent | {"type": f"{LANGCHAIN}agent"})
    for part, connection in ((model, "ai_languageModel"), (tool, "ai_tool")):
        export["nodes"].append(part)
        export["connections"][part["name"]] = {connection: [[{"node": "Agent", "type": connection, "index": 0}]]}
    return export


async def _measured(client: Client, name: str, export: Export, items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    run = names.workflow_id("bench", "fanout", str(uuid.uuid4()))
    given = StartInput(
        plan=plan_of(export), tenant="bench", template="fanout", execution_id=run, items=list(items),
        payload_limit=PAYLOAD_LIMIT,
    )  # fmt: skip
    gc.collect()
    began, before = time.perf_counter(), megabytes()
    handle: WorkflowHandle[Any, Any] = await client.start_workflow(
        "fanout", given.to_json(), id=run, task_queue=QUEUE, task_timeout=TASK_TIMEOUT, result_type=dict
    )
    resident: list[tuple[float, int]] = []
    sampling = asyncio.create_task(_sample(resident))
    result = RunResult.model_validate(await handle.result())
    seconds, grew = time.perf_counter() - began, megabytes() - before
    sampling.cancel()
    chain_ = _Chain()
    await chain_.read(client, handle)
    row = {
        "what": name, "items": len(items), "items_out": len(result.outputs[0] or []), "seconds": round(seconds, 1),
        "worker_mb": megabytes(), "worker_grew_mb": grew, "runs_of_the_chain": chain_.runs,
        "longest_history_events": chain_.longest, "largest_history_kb": chain_.largest // 1024,
        "seconds_of_quarters": chain_.quarters(),
        "worker_mb_in_quarters": [
            max((mb for at, mb in resident if part <= (at - began) / seconds * QUARTERS < part + 1), default=0)
            for part in range(QUARTERS)
        ],
        "load_average": os.getloadavg()[0],
    }  # fmt: skip
    return row | ({"seconds_over_the_children": round(seconds - chain_.own, 2)} if chain_.own else {})


async def _sample(into: list[tuple[float, int]]) -> None:
    """What this process holds, each second, where the system says so."""
    with suppress(OSError):
        while True:
            into.append((time.perf_counter(), _resident_mb()))
            await asyncio.sleep(1)


def _resident_mb() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") >> 20


class _Chain:
    """What the histories of a run and of those that it continued as show."""

    def __init__(self) -> None:
        self.runs = self.longest = self.largest = 0
        self.own = 0.0
        """Seconds from start to end of the sub-workflows."""
        self._done: list[float] = []
        """When each sub-workflow or activity ended, in seconds since the begin."""

    async def read(self, client: Client, handle: WorkflowHandle[Any, Any]) -> None:
        """Fetch them, one after the other."""
        run_id, first = handle.first_execution_run_id, None
        while run_id:
            events = (await client.get_workflow_handle(handle.id, run_id=run_id).fetch_history()).events
            self.runs, self.longest = self.runs + 1, max(self.longest, len(events))
            self.largest = max(self.largest, sum(each.ByteSize() for each in events))
            first = first or events[0].event_time.ToDatetime()
            begun = {}
            for event in events:
                at = (event.event_time.ToDatetime() - first).total_seconds()
                if event.HasField("child_workflow_execution_started_event_attributes"):
                    begun[event.event_id] = at
                elif event.HasField("child_workflow_execution_completed_event_attributes"):
                    self.own += at - begun[event.child_workflow_execution_completed_event_attributes.started_event_id]
                    self._done.append(at)
                elif event.HasField("activity_task_completed_event_attributes"):
                    self._done.append(at)
            run_id = events[-1].workflow_execution_continued_as_new_event_attributes.new_execution_run_id

    def quarters(self) -> list[float]:
        """Return how long each quarter of the sub-workflows or activities took: equal ones when nothing grows with the items."""
        ends = [0.0, *(self._done[len(self._done) * part // QUARTERS - 1] for part in range(1, QUARTERS + 1))]
        return [round(after - before, 1) for before, after in pairwise(ends)] if self._done else []
