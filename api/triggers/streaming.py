"""Response mode "streaming": JSON lines of the answers of a run's agents: begin, item and end of each.

n8n sends the tokens of a model as they come. Here an answer is sent whole when its step is done: it is then recorded, so that
a caller never gets another answer after a crash.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import orjson
from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.service import RPCError

from api.dependencies import Dependencies
from api.triggers.responses import JSON_TYPE, HttpReply
from schemas import names
from schemas.kinds import RunStatus
from schemas.run import RunReply
from service.run_reader import TemporalRuns
from service.run_start import RunRequest, Starter

__all__ = ["stream_of"]

POLL_SECONDS: Final = 0.2
"""Seconds between two queries for answers."""
FAILED: Final = "Error in workflow"


async def stream_of(dependencies: Dependencies, starter: Starter, run_request: RunRequest) -> HttpReply:
    """Start the run and return its lines as they come; those of a transient run when it has ended."""
    if run_request.template.plan.settings.transient and dependencies.transient is not None:
        lines = _lines_of_reply(await starter.start_and_answer(run_request, "lastNode"))
    else:
        await starter.start(run_request)
        lines = _follow_lines(dependencies.temporal, run_request.workflow_id)
    return HttpReply(200, {"content-type": JSON_TYPE, "cache-control": "no-cache"}, stream=lines)


async def _lines_of_reply(reply: RunReply) -> AsyncIterator[bytes]:
    """Yield the lines of a run that has ended: its last node's first item."""
    result = reply.finished
    if result is None or result.journal.status != "success":
        yield _line("error", {}, FAILED)
        return
    first: dict[str, Any] = next((items[0]["json"] for items in result.outputs if items), {})
    for line in _lines_of({"nodeName": result.journal.last_node}, first.get("output", first)):
        yield line


async def _follow_lines(client: Client, workflow_id: str) -> AsyncIterator[bytes]:
    runs, handle, sent = TemporalRuns(client), client.get_workflow_handle(workflow_id), 0
    while True:
        run = await runs.describe(workflow_id)
        answers = await _answers(handle)
        for each in answers[sent:]:
            meta = {"nodeId": each["id"], "nodeName": each["node"], "runIndex": each["run"], "timestamp": each["at"]}
            for i, text in enumerate(each["texts"]):
                for line in _lines_of(meta | {"itemIndex": i}, text):
                    yield line
        sent = max(sent, len(answers))
        if run is None or not run.open:
            if run is not None and run.status != RunStatus.COMPLETED:
                yield _line("error", {}, FAILED)
            return
        await asyncio.sleep(POLL_SECONDS)


async def _answers(handle: Any) -> list[dict[str, Any]]:
    """Return the answers so far; none while no worker answers."""
    try:
        answers: list[dict[str, Any]] = await handle.query(names.QUERY_SAID, result_type=list)
    except (WorkflowQueryFailedError, RPCError):
        return []
    return answers


def _lines_of(meta: Mapping[str, Any], content: Any) -> list[bytes]:
    return [_line("begin", meta), _line("item", meta, content), _line("end", meta)]


def _line(type_: str, meta: Mapping[str, Any], content: Any = None) -> bytes:
    text = content if isinstance(content, str) or content is None else orjson.dumps(content).decode()
    line = {"type": type_} | ({} if text is None else {"content": text}) | ({"metadata": dict(meta)} if meta else {})
    return orjson.dumps(line) + b"\n"
