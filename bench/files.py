"""A file of 500 MB from one server into storage, its first rows taken out, and from there to another server: time, and the most
that the worker held.
"""

import os
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from bench.exports import START, chain, node
from bench.webhook import processes, state_folder
from cli.testing.case import plan_of
from runtime.platform.embedded import EmbeddedProfile
from runtime.platform.keys import keyring
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from runtime.platform.storage.blobs import BlobStore
from runtime.platform.temporal import connect, data_converter
from schemas import names
from schemas.run import TASK_TIMEOUT, RunResult, StartInput
from service.tenants import TenantStore

MEGABYTES: Final = int(os.environ.get("BENCH_MEGABYTES", "500"))
PIECE: Final = 1_000_000
ROW: Final = 20
"""Bytes of a row."""
ROWS: Final = 1_000


class _Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    taken = 0

    def do_GET(self) -> None:
        """The file, rows of CSV: no piece is like another."""
        self.send_response(200)
        self.send_header("Content-Type", "text/csv")
        self.send_header("Content-Length", str(MEGABYTES * PIECE))
        self.end_headers()
        for i in range(MEGABYTES):
            self.wfile.write(b"".join(b"%06d,%012d\n" % (i, n) for n in range(PIECE // ROW)))

    def do_POST(self) -> None:
        """Count what comes."""
        left = int(self.headers["Content-Length"])
        while left:
            piece = self.rfile.read(min(left, PIECE))
            _Server.taken += len(piece)
            left -= len(piece)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the overridden one
        """Quiet."""


async def measure() -> dict[str, Any]:
    """Seconds, megabytes per second, and the worker's memory before and at its peak."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/"
    send = {
        "method": "POST", "url": url, "sendBody": True, "contentType": "binaryData", "inputDataFieldName": "data",
        "options": {},
    }  # fmt: skip
    fetch = {"url": url, "options": {"response": {"response": {"responseFormat": "file"}}}}
    rows = {"operation": "csv", "binaryPropertyName": "data", "options": {"maxRowCount": ROWS, "headerRow": False}}
    both = {"Fetch": {"main": [[{"node": name, "type": "main", "index": 0} for name in ("Rows", "Send")]]}, "Send": {}}
    plan = plan_of(
        chain(
            START, node("Fetch", "httpRequest", 4.2, fetch, 200), node("Send", "httpRequest", 4.2, send, 400),
            node("Rows", "extractFromFile", 1, rows, 400), extra=both,
        )
    )  # fmt: skip
    with state_folder() as folder:
        async with EmbeddedProfile(Settings.load({"TEMPOR8_STATE": folder}), any_ports=True, ui=False) as profile:
            settings = profile.settings()
            environment = {
                **os.environ, **profile.environment(), "TEMPOR8_LOG_LEVEL": "warning", "TEMPOR8_EGRESS_ALLOW": "127.0.0.1",
            }  # fmt: skip
            assert settings.database_url is not None
            async with Database(settings.database_url.get_secret_value(), size=2, keys=keyring(settings)) as database:
                keys = keyring(settings)
                await TenantStore(database, keys).create("bench")
                client = await connect(settings, data_converter(settings, keys, BlobStore(database, keys)))
                with processes({"worker": ["cli.main", "worker"]}, environment) as pids:
                    id_ = names.workflow_id("bench", "file", str(uuid.uuid4()))
                    given = StartInput(
                        plan=plan, tenant="bench", template="file", execution_id=id_, items=[{"json": {}}]
                    )
                    handle = await client.start_workflow(
                        "file", given.to_json(), id=id_, task_queue=settings.task_queue, task_timeout=TASK_TIMEOUT,
                        result_type=dict,
                    )  # fmt: skip
                    began = time.perf_counter()
                    result = RunResult.model_validate(await handle.result())
                    seconds = time.perf_counter() - began
                    peak = _peak(pids["worker"])
    server.shutdown()
    (extracted,) = (step.items_out for step in result.journal.steps if step.node == "Rows")
    return {
        "status": result.journal.status, "megabytes": MEGABYTES, "arrived": _Server.taken // PIECE, "rows": extracted[0],
        "seconds": round(seconds, 1), "worker_peak_mb": peak,
    }  # fmt: skip


def _peak(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 // 1_000_000
