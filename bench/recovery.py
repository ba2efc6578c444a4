"""How long a run stands still when its worker, or Temporal, is killed with -9 in the middle of a step."""

import asyncio
import os
import statistics
import threading
import time
import uuid
from collections.abc import Awaitable, Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from temporalio.client import Client

from bench.exports import START, chain, node
from bench.webhook import state_folder
from cli.support.stack import Stack, stack
from cli.testing.case import plan_of
from runtime.platform.settings import Settings
from runtime.platform.storage.blobs import BlobStore
from runtime.platform.temporal import connect, data_converter
from schemas import names
from schemas.run import TASK_TIMEOUT, RunResult, StartInput

TURNS: Final = int(os.environ.get("BENCH_TURNS", "5"))
STEPS: Final = 40
SLOW: Final = 0.1
"""Seconds that each request takes."""


class _Vendor(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    asked: list[float] = []  # noqa: RUF012 - the handler is made anew for each request

    def do_GET(self) -> None:
        """Note when, and answer slowly."""
        _Vendor.asked.append(time.monotonic())
        time.sleep(SLOW)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the overridden one
        """Quiet."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """A caller that was killed is no news here."""


async def measure() -> list[dict[str, Any]]:
    """Seconds from the kill to the next request of the run: median and worst. Temporal: from its start."""
    server = _Server(("127.0.0.1", 0), _Vendor)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/"
    rows = []
    with state_folder() as folder:
        os.environ["TEMPOR8_EGRESS_ALLOW"] = "127.0.0.1"
        async with stack(Settings.load({"TEMPOR8_STATE": str(folder), "TEMPOR8_PORT": "0"})) as up:
            await up.tenants.create("bench", "Bench")
            blobs = BlobStore(up.database, up.keys)
            client = await connect(up.settings, data_converter(up.settings, up.keys, blobs))
            for name, kill in (("worker", _worker), ("temporal", _temporal)):
                gaps = [await _gap(up, client, url, kill) for _ in range(TURNS)]
                rows.append(
                    {"killed": name, "median_s": round(statistics.median(gaps), 2), "worst_s": round(max(gaps), 2)}
                )
    server.shutdown()
    return rows


async def _worker(up: Stack) -> float:
    up.worker.kill()
    return time.monotonic()


async def _temporal(up: Stack) -> float:
    process = up.profile.temporal.process
    process.kill()
    await process.wait()
    began = time.monotonic()
    await up.profile.temporal.start()
    return began


async def _gap(up: Stack, client: Client, url: str, kill: Callable[[Stack], Awaitable[float]]) -> float:
    calls = [node(f"Call {i}", "httpRequest", 4.2, {"url": url, "options": {}}, 200 * i) for i in range(STEPS)]
    id_ = names.workflow_id("bench", "calls", str(uuid.uuid4()))
    given = StartInput(
        plan=plan_of(chain(START, *calls)), tenant="bench", template="calls", execution_id=id_, items=[{"json": {}}]
    )
    _Vendor.asked.clear()
    handle = await client.start_workflow(
        "calls", given.to_json(), id=id_, task_queue=up.settings.task_queue, task_timeout=TASK_TIMEOUT, result_type=dict
    )
    await _until(lambda: len(_Vendor.asked) >= STEPS // 4)
    await asyncio.sleep(SLOW / 2)
    at = await kill(up)
    await _until(lambda: any(each > at for each in _Vendor.asked))
    gap = min(each for each in _Vendor.asked if each > at) - at
    result = RunResult.model_validate(await handle.result())
    assert result.journal.status == "success"
    return gap


async def _until(there: Callable[[], bool]) -> None:
    for _ in range(6000):
        if there():
            return
        await asyncio.sleep(0.02)
    raise TimeoutError("it did not happen within two minutes")
