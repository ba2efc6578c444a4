"""A worker is killed while a model speaks: the caller hears that the answer begins again, and what is stored was said last."""

import asyncio
import contextlib
import json
import pickle
import sys
import uuid
from collections.abc import AsyncIterator

import pytest

from api.app import create_app
from api.runs.watcher import RunWatchers
from api.triggers.streaming import follow_lines
from cli.support.wiring import open_dependencies
from runtime.platform.settings import Settings
from service.run_reader import TemporalRuns
from service.shutdown import Shutdown
from tests.exports import node
from tests.integration.api.test_streaming import agents, next_lines, started
from tests.patience import PATIENCE
from tests.service import client, ended

pytestmark = pytest.mark.long

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
WORK = """
import asyncio, pickle, sys
from runtime.hosts.temporal.worker import serve
asyncio.run(serve(pickle.load(sys.stdin.buffer), asyncio.Event()))
"""


class Model:
    """A model server. Its first answer never ends, the second one when the test lets it; further ones at once."""

    def __init__(self) -> None:
        self.questions: list[str] = []
        self.go_on = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(next(line for line in head.splitlines() if line.startswith("content-length")).split(":")[1])
        question = json.loads(await reader.readexactly(length))["messages"][-1]["content"]
        self.questions.append(question)
        number = len(self.questions)
        with contextlib.suppress(ConnectionError):
            writer.write(HEAD)
            await self._say(writer, "Hell" if number == 1 else "Good ")
            if number == 1:
                await reader.read()  # until the worker is gone
            if number == 2:
                await asyncio.wait_for(self.go_on.wait(), PATIENCE)
            if number > 1:
                await self._say(writer, "day", "stop")
                writer.write(b"data: [DONE]\n\n")
                await writer.drain()
        writer.close()

    async def _say(self, writer: asyncio.StreamWriter, text: str, reason: str | None = None) -> None:
        choice = {"index": 0, "delta": {"content": text}, "finish_reason": reason}
        chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
        writer.write(f"data: {json.dumps(chunk)}\n\n".encode())
        await writer.drain()


@contextlib.asynccontextmanager
async def worker_process(settings: Settings) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker that nothing restarts."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", WORK, stdin=asyncio.subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(pickle.dumps(settings))
    process.stdin.close()
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@pytest.fixture
async def model() -> AsyncIterator[tuple[Model, str]]:
    model = Model()
    server = await asyncio.start_server(model.serve, "127.0.0.1", 0)
    yield model, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    server.close()


async def test_a_killed_worker_repeats_one_request_and_the_caller_hears_that_the_answer_begins_again(
    service: Settings, api_keys: tuple[str, str], model: tuple[Model, str]
) -> None:
    speaker, url = model
    name = f"speaking-{uuid.uuid4().hex[:8]}"
    settings = service.model_copy(update={"task_queue": name, "deployment": name, "egress_allow": ("127.0.0.1",)})
    hook = node("Hook", "webhook", 2.1, path="killed", httpMethod="POST", responseMode="streaming", options={})
    async with contextlib.AsyncExitStack() as opened:
        dependencies = await opened.enter_async_context(open_dependencies(settings))
        application = create_app(dependencies, projector=False)
        acme = await opened.enter_async_context(client(application, api_keys[0]))
        await dependencies.credentials.put("acme", "openAiApi", "echo", {"apiKey": "none", "url": url})
        workflow = agents(hook, "={{ $json.body.text }}")
        assert (await acme.post("/templates", params={"key": "killed"}, json=workflow)).is_success
        anonymous = await opened.enter_async_context(client(application))
        caller = asyncio.create_task(anonymous.post("/webhook/acme/killed", json={"text": "hi"}))
        run = await started(acme, dependencies, "killed")
        lines = follow_lines(dependencies.temporal, RunWatchers(TemporalRuns(dependencies.temporal), Shutdown()), run)
        async with worker_process(settings) as first:
            assert await next_lines(lines, 2) == [("begin", None, False), ("item", "Hell", False)]
            first.kill()
            await first.wait()
        await opened.enter_async_context(worker_process(settings))
        assert await next_lines(lines, 2) == [("begin", None, True), ("item", "Good ", False)]
        speaker.go_on.set()
        assert await next_lines(lines, 2) == [("item", "day", False), ("end", None, False)]
        assert (await ended(acme, run.id))["status"] == "completed"
        answer = await asyncio.wait_for(caller, PATIENCE)
        history = (await acme.get(f"/workflows/{run.id}/history")).text
    assert speaker.questions == ["hi", "hi", "Good day!"], "the request in flight was repeated once, and no other"
    said = [line.get("content") for line in map(json.loads, answer.text.splitlines()) if line["type"] == "item"]
    assert "".join(said).startswith("HellGood day")
    assert "Good day" in history
    assert "Hell" not in history
