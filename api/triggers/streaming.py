"""Response mode "streaming": JSON lines of the answers of a run's agents: begin, item and end of each.

The words of a model are sent while it speaks. An answer that begins again, after a crash or a connection that broke off, has a
second `begin`, with `again` in its metadata: what came before is void. `end` follows when the answer is recorded.
"""

from collections.abc import AsyncGenerator, Iterator, Mapping
from typing import Any, Final

from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.service import RPCError

from api.dependencies import Dependencies
from api.runs.heard import HeardAnswers, Piece, Place
from api.runs.watcher import RunWatchers
from api.triggers.responses import JSON_TYPE, HttpReply
from runtime.values.json_bytes import dumps
from schemas import names
from schemas.kinds import RunStatus
from schemas.run import RunReply
from service.run_reader import RunDescription, TemporalRuns
from service.run_start import RunRequest, Starter

__all__ = ["follow_lines", "lines_of_reply", "stream_of"]

LOOK_SECONDS: Final = 5.0
"""Seconds without news after which the end of the server is looked for."""
FAILED: Final = "Error in workflow"
STOPPED: Final = "This server is being stopped; the run goes on."


async def stream_of(
    dependencies: Dependencies, starter: Starter, watchers: RunWatchers, run_request: RunRequest
) -> HttpReply:
    """Start the run and return its lines as they come; those of a transient run when it has ended."""
    if run_request.template.plan.settings.transient and dependencies.transient is not None:
        lines = lines_of_reply(await starter.start_and_answer(run_request, "lastNode"))
    else:
        await starter.start(run_request)
        run = await TemporalRuns(dependencies.temporal).describe(run_request.workflow_id)
        lines = _no_lines() if run is None else follow_lines(dependencies.temporal, watchers, run)
    return HttpReply(200, {"content-type": JSON_TYPE, "cache-control": "no-cache"}, stream=lines)


async def lines_of_reply(reply: RunReply) -> AsyncGenerator[bytes]:
    """Yield the lines of a run that has ended: its last node's first item."""
    result = reply.finished
    if result is None or result.journal.status != "success":
        yield _line("error", {}, FAILED)
        return
    first: Any = next((items[0]["json"] for items in result.outputs if items), {})
    output = first.get("output", first) if isinstance(first, Mapping) else first  # a service may have answered a text
    for line in _lines_of({"nodeName": result.journal.last_node}, output):
        yield line


async def _no_lines() -> AsyncGenerator[bytes]:
    """Yield what there is to say of a run that Temporal has deleted."""
    yield _line("error", {}, FAILED)


async def follow_lines(client: Client, watchers: RunWatchers, run: RunDescription) -> AsyncGenerator[bytes]:
    """Yield the lines of a run's answers, from its first answer on, until it ends."""
    handle, sent, version, heard = client.get_workflow_handle(run.id), 0, 0, HeardAnswers()
    recorded: set[tuple[str, int]] = set()
    async with watchers.watch(run) as watch:
        while not watchers.shutdown.expired:
            if not await watch.wait(version, LOOK_SECONDS):
                continue
            version, outcome, speaking = watch.version, watch.outcome, watch.speaking
            while answers := await _answers(handle, sent):  # first: models may be at the answers that follow them
                sent += len(answers)
                recorded.update((each["node"], each["run"]) for each in answers)
                for line in _lines_of_answers(answers, heard):
                    yield line
            for piece in heard.next_pieces(speaking, recorded):
                for line in _lines_of_piece(piece, _meta_of(piece.place)):
                    yield line
            if outcome is not None:
                if outcome.status != RunStatus.COMPLETED:
                    yield _line("error", {}, FAILED)
                return
            if watch.failed:
                break
    yield _line("error", {"workflowId": run.id}, STOPPED)


async def _answers(handle: Any, since: int) -> list[dict[str, Any]]:
    """Return the answers from this number on; none while no worker answers."""
    try:
        answers: list[dict[str, Any]] = await handle.query(names.QUERY_SAID, since, result_type=list)
    except WorkflowQueryFailedError:
        return (await _all_answers(handle))[since:]
    except RPCError:
        return []
    return answers


async def _all_answers(handle: Any) -> list[dict[str, Any]]:
    """Return all answers of a run of a build that does not know the query's argument."""
    try:
        answers: list[dict[str, Any]] = await handle.query(names.QUERY_SAID, result_type=list)
    except (WorkflowQueryFailedError, RPCError):
        return []
    return answers


def _lines_of_answers(answers: list[dict[str, Any]], heard: HeardAnswers) -> Iterator[bytes]:
    for each in answers:
        meta = {"nodeId": each["id"], "nodeName": each["node"], "runIndex": each["run"], "timestamp": each["at"]}
        for i, text in enumerate(each["texts"]):
            about, place = meta | {"itemIndex": i}, (each["node"], each["run"], i)
            if not heard.begun(place) or not isinstance(text, str):
                yield from _lines_of(about, text)
                continue
            piece = heard.last_piece(place, text)
            if piece is not None:
                yield from _lines_of_piece(piece, about)
            yield _line("end", about)


def _meta_of(place: Place) -> dict[str, Any]:
    node, run, item = place
    return {"nodeName": node, "runIndex": run, "itemIndex": item}


def _lines_of_piece(piece: Piece, meta: Mapping[str, Any]) -> Iterator[bytes]:
    if piece.begins:
        yield _line("begin", {**meta, "again": True} if piece.again else meta)
    if piece.text:
        yield _line("item", meta, piece.text)


def _lines_of(meta: Mapping[str, Any], content: Any) -> list[bytes]:
    return [_line("begin", meta), _line("item", meta, content), _line("end", meta)]


def _line(type_: str, meta: Mapping[str, Any], content: Any = None) -> bytes:
    text = content if isinstance(content, str) or content is None else dumps(content).decode()
    line = {"type": type_} | ({} if text is None else {"content": text}) | ({"metadata": dict(meta)} if meta else {})
    return dumps(line) + b"\n"
