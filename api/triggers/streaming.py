"""Response mode "streaming": JSON lines, as the agents of a run speak: begin, item and end of each answer, then nothing more.

n8n sends the words of a model as they come. Here an answer is sent whole when its step is done: what a caller has heard is
then recorded, and is never said differently after a crash.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import orjson
from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.service import RPCError

from api.dependencies import Ports
from api.triggers.responses import JSON_TYPE, Answer
from schemas import names
from schemas.kinds import RunStatus
from schemas.run import RunReply
from service.run_reader import TemporalRuns
from service.run_start import RunRequest, Starter

__all__ = ["stream_of"]

PACE: Final = 0.2
"""Seconds between two looks at what was said."""
FAILED: Final = "Error in workflow"


async def stream_of(ports: Ports, starter: Starter, run_request: RunRequest) -> Answer:
    """Begin the run, and give its lines while it goes on; those of a transient run when it is over."""
    if run_request.template.plan.settings.transient and ports.transient is not None:
        lines = _afterwards(await starter.start_and_answer(run_request, "lastNode"))
    else:
        await starter.start(run_request)
        lines = _lines(ports.temporal, run_request.workflow_id)
    return Answer(200, {"content-type": JSON_TYPE, "cache-control": "no-cache"}, stream=lines)


async def _afterwards(told: RunReply) -> AsyncIterator[bytes]:
    """Of a run that is over: its last node's first item."""
    result = told.finished
    if result is None or result.journal.status != "success":
        yield _line("error", {}, FAILED)
        return
    first: dict[str, Any] = next((items[0]["json"] for items in result.outputs if items), {})
    for line in _spoken({"nodeName": result.journal.last_node}, first.get("output", first)):
        yield line


async def _lines(client: Client, workflow_id: str) -> AsyncIterator[bytes]:
    reader, handle, heard = TemporalRuns(client), client.get_workflow_handle(workflow_id), 0
    while True:
        run = await reader.describe(workflow_id)
        told = await _said(handle)
        for each in told[heard:]:
            meta = {"nodeId": each["id"], "nodeName": each["node"], "runIndex": each["run"], "timestamp": each["at"]}
            for i, text in enumerate(each["texts"]):
                for line in _spoken(meta | {"itemIndex": i}, text):
                    yield line
        heard = max(heard, len(told))
        if run is None or not run.open:
            if run is not None and run.status != RunStatus.COMPLETED:
                yield _line("error", {}, FAILED)
            return
        await asyncio.sleep(PACE)


async def _said(handle: Any) -> list[dict[str, Any]]:
    """What was said so far; nothing while no worker answers."""
    try:
        told: list[dict[str, Any]] = await handle.query(names.QUERY_SAID, result_type=list)
    except (WorkflowQueryFailedError, RPCError):
        return []
    return told


def _spoken(meta: Mapping[str, Any], content: Any) -> list[bytes]:
    return [_line("begin", meta), _line("item", meta, content), _line("end", meta)]


def _line(type_: str, meta: Mapping[str, Any], content: Any = None) -> bytes:
    text = content if isinstance(content, str) or content is None else orjson.dumps(content).decode()
    line = {"type": type_} | ({} if text is None else {"content": text}) | ({"metadata": dict(meta)} if meta else {})
    return orjson.dumps(line) + b"\n"
