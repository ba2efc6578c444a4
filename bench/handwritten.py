"""The peer of webhook, durable, steps, short and fanout: what a Python programmer would write by hand for the same flows.

One process serves HTTP, one runs the worker, as with us. `python -m bench.handwritten serve|worker`; the address of
Temporal and the port come from the environment.
"""

import asyncio
import functools
import json
import os
import sys
import uuid
from datetime import timedelta
from typing import Any

from temporalio import activity, workflow
from temporalio.client import Client, WithStartWorkflowOperation
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    import httpx

QUEUE = "handwritten"


@workflow.defn
class Handwritten:
    """Five assignments, a condition, an answer."""

    def __init__(self) -> None:
        self.answer: dict[str, Any] | None = None

    @workflow.run
    async def run(self, body: dict[str, Any]) -> dict[str, Any]:
        """The flow of `bench.webhook.flow`."""
        item: dict[str, Any] = {"body": body}
        for place in range(5):
            item = {**item, f"text{place}": body["name"], f"number{place}": body["a"] + 1}
        if item["number0"] > 1:
            self.answer = item
        await workflow.wait_condition(workflow.all_handlers_finished)
        return item

    @workflow.update
    async def respond(self) -> dict[str, Any]:
        """The answer to the caller."""
        await workflow.wait_condition(lambda: self.answer is not None)
        return self.answer or {}


@workflow.defn
class TenSets:
    """What `bench.exports.ten_sets(1)` does."""

    @workflow.run
    async def run(self, item: dict[str, Any]) -> dict[str, Any]:
        """Ten times: the item with a field more."""
        for _ in range(10):
            item = {**item, "f0": item["n"] + 0}
        return item


@workflow.defn
class ThreeSets:
    """What the template of `bench.short` does."""

    @workflow.run
    async def run(self, item: dict[str, Any]) -> dict[str, Any]:
        """Three fields more."""
        for place in range(3):
            item = {**item, f"f{place}": item["n"] + 1}
        return item


@activity.defn
async def request(url: str) -> Any:
    """A GET request; the connections are those of the process."""
    answer = await _http().get(url)
    return answer.raise_for_status().json()


@functools.cache
def _http() -> httpx.AsyncClient:
    return httpx.AsyncClient()


@workflow.defn
class Requests:
    """One request after the other."""

    @workflow.run
    async def run(self, url: str, count: int) -> Any:
        """The last answer."""
        answer = None
        for _ in range(count):
            answer = await workflow.execute_activity(request, url, start_to_close_timeout=timedelta(seconds=60))
        return answer


@workflow.defn
class Added:
    """What the sub-workflow of `bench.fanout` does."""

    @workflow.run
    async def run(self, item: dict[str, Any]) -> dict[str, Any]:
        """A field more."""
        return {**item, "b": item["n"] + 1}


@workflow.defn
class EachAdded:
    """One child after the other."""

    @workflow.run
    async def run(self, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The items with a field more."""
        return [
            await workflow.execute_child_workflow(Added.run, item, id=f"{workflow.info().workflow_id}~{place}")
            for place, item in enumerate(items)
        ]


async def _serve(client: Client, port: int) -> None:
    import uvicorn  # noqa: PLC0415  # the worker has no need of it

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = json.loads((await receive())["body"])
        if scope["path"] == "/workflows/start":
            handle = await client.start_workflow(
                ThreeSets.run, body["input_data"], id=str(uuid.uuid4()), task_queue=QUEUE
            )
            await _send(send, {"workflow_id": handle.id})
            return
        start: Any = WithStartWorkflowOperation(
            Handwritten.run, body, id=str(uuid.uuid4()), task_queue=QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
        )  # fmt: skip
        answer = await client.execute_update_with_start_workflow(Handwritten.respond, start_workflow_operation=start)
        await _send(send, answer)

    config = uvicorn.Config(application, port=port, log_level="error", access_log=False, lifespan="off")
    await uvicorn.Server(config).serve()


async def _send(send: Any, answer: Any) -> None:
    data = json.dumps(answer).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(data)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": data})


async def _main(what: str) -> None:
    client = await Client.connect(os.environ["TEMPORAL_ADDRESS"])
    if what == "serve":
        await _serve(client, int(os.environ["TEMPOR8_PORT"]))
        return
    workflows: list[type] = [Handwritten, TenSets, ThreeSets, Requests]
    async with Worker(
        client, task_queue=QUEUE, workflows=workflows, activities=[request], max_concurrent_workflow_tasks=100
    ):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
