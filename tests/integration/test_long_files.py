"""Files that nobody can hold in memory go through a run: from one server into storage and from there to another one."""

import hashlib
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ApplicationError

from bench.exports import START, chain, node
from cli.testing.case import plan_of
from cli.testing.temporal import CaseTemplates
from runtime.hosts.temporal.resources import WorkerResources
from runtime.hosts.temporal.worker import build_worker
from runtime.platform.credential_store import credential_store
from runtime.platform.keys import Keyring
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from runtime.platform.storage.blobs import BlobStore
from schemas import names
from schemas.run import TASK_TIMEOUT, RunResult, StartInput

MIB = 1024 * 1024
SIZE = 30 * MIB
LIMIT = 6 * MIB
"""What a step may hold here: far less than the file."""


def rows(i: int) -> bytes:
    """The `i`-th MiB of a CSV file; a quoted cell has a line break, and many of them lie across the borders of pieces."""
    head = b"id,text\r\n" if i == 0 else b""
    lines = b"".join(b'%d,"one\ntwo"\r\n' % (i * 40_000 + n) for n in range(40_000))
    return (head + lines).ljust(MIB, b"\n")


class Server:
    """Sends a long file, and takes one."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header(
                    "Content-Type", "application/octet-stream" if "text" not in self.path else "text/plain"
                )
                self.send_header("Content-Disposition", 'attachment; filename="long.bin"')
                self.send_header("Content-Length", str(SIZE))
                self.end_headers()
                for i in range(SIZE // MIB):
                    self.wfile.write(bytes([i]) * MIB if "csv" not in self.path else rows(i))

            def do_POST(self) -> None:
                left, hashed = int(self.headers["Content-Length"]), hashlib.sha256()
                size = left
                while left:
                    piece = self.rfile.read(min(left, MIB))
                    hashed.update(piece)
                    left -= len(piece)
                type_ = self.headers["Content-Type"]
                server.taken.append({"size": size, "sha256": hashed.hexdigest(), "type": type_})
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Quiet."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"


@pytest.fixture
def server() -> Iterator[Server]:
    """It runs beside the test."""
    made = Server()
    threading.Thread(target=made.http.serve_forever, daemon=True).start()
    yield made
    made.http.shutdown()
    made.http.server_close()


async def run(
    temporal: Client, service: Settings, database: Database, keys: Keyring, export: dict[str, Any], **more: Any
) -> RunResult:
    """Run an export with a worker that may hold LIMIT bytes."""
    settings = service.model_copy(update={"egress_allow": ("127.0.0.1",), "payload_limit": LIMIT} | more)
    blobs = BlobStore.of(settings, database, keys)
    store = credential_store(settings, database, keys)
    resources = WorkerResources.of(settings, database, store, blobs)
    queue, id_ = f"test-{uuid.uuid4()}", names.workflow_id("acme", "test", str(uuid.uuid4()))
    given = StartInput(
        plan=plan_of(export), tenant="acme", template="test", execution_id=id_, items=[{"json": {"n": 1}}]
    )
    async with build_worker(temporal, resources.capabilities(), CaseTemplates(), queue):
        try:
            return RunResult.model_validate(
                await temporal.execute_workflow(
                    "test", given.to_json(), id=id_, task_queue=queue, task_timeout=TASK_TIMEOUT, result_type=dict
                )
            )
        except WorkflowFailureError as error:
            cause = error.cause
            if not isinstance(cause, ApplicationError):
                raise
            return RunResult.model_validate(cause.details[0])
        finally:
            await resources.close()


def fetch(url: str, **response: Any) -> dict[str, Any]:
    """An HTTP Request that gets something."""
    return node("Fetch", "httpRequest", 4.2, {"url": url, "options": {"response": {"response": response}}}, 200)


def send(url: str, **parameters: Any) -> dict[str, Any]:
    """An HTTP Request that sends a body."""
    return node(
        "Send", "httpRequest", 4.2, {"method": "POST", "url": url, "sendBody": True, "options": {}, **parameters}, 400
    )


async def test_a_long_file_goes_from_one_server_to_another(
    temporal: Client, tenants: tuple[str, str], service: Settings, database: Database, keys: Keyring, server: Server
) -> None:
    """As a body, and as a part of a form; the item says what n8n says of it."""
    wanted = hashlib.sha256(b"".join(bytes([i]) * MIB for i in range(SIZE // MIB))).hexdigest()
    raw = send(server.url, contentType="binaryData", inputDataFieldName="data")
    result = await run(temporal, service, database, keys, chain(START, fetch(f"{server.url}/file"), raw))
    assert result.journal.status == "success", result.journal.error
    assert server.taken == [{"size": SIZE, "sha256": wanted, "type": "application/octet-stream"}]
    part = {"parameterType": "formBinaryData", "name": "file", "inputDataFieldName": "data"}
    form = send(server.url, contentType="multipart-form-data", bodyParameters={"parameters": [part]})
    result = await run(temporal, service, database, keys, chain(START, fetch(f"{server.url}/file"), form))
    assert result.journal.status == "success", result.journal.error
    assert server.taken[1]["type"].startswith("multipart/form-data; boundary=")
    assert SIZE < server.taken[1]["size"] < SIZE + 1000
    kept = await run(
        temporal, service, database, keys, chain(START, fetch(f"{server.url}/file", responseFormat="file"))
    )
    assert kept.outputs[0] is not None
    ref = kept.outputs[0][0]["binary"]["data"]
    assert {name: ref[name] for name in ("fileName", "fileSize", "bytes", "mimeType", "data")} == {
        "fileName": "long.bin", "fileSize": "31.5 MB", "bytes": SIZE, "mimeType": "application/octet-stream", "data": ""
    }  # fmt: skip


async def test_what_is_too_long_to_be_held_is_told_by_the_node_that_would_hold_it(
    temporal: Client, tenants: tuple[str, str], service: Settings, database: Database, keys: Keyring, server: Server
) -> None:
    """A text is no file; and a file has to be read whole to be taken apart."""
    text = await run(temporal, service, database, keys, chain(START, fetch(f"{server.url}/text")))
    assert text.journal.error is not None
    assert "over the limit of 6,291,456 bytes" in text.journal.error["message"]
    apart = node("Apart", "extractFromFile", 1, {"operation": "text", "binaryPropertyName": "data", "options": {}}, 400)
    result = await run(temporal, service, database, keys, chain(START, fetch(f"{server.url}/file"), apart))
    assert result.journal.error is not None
    assert result.journal.error["node"] == "Apart"
    assert "too large to be worked on" in result.journal.error["message"]


async def test_the_first_rows_of_a_long_csv_file_are_read_and_no_more_of_it(
    temporal: Client, tenants: tuple[str, str], service: Settings, database: Database, keys: Keyring, server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Many of them, beyond the first part that is looked at; and the whole file goes on to somebody else."""

    monkeypatch.setattr("runtime.sandbox.spreadsheets.FIRST_HEAD_BYTES", 256 * 1024)  # a step may return 100,000 items

    def apart(options: dict[str, Any]) -> dict[str, Any]:
        given = {"operation": "csv", "binaryPropertyName": "data", "options": options}
        return node("Rows", "extractFromFile", 1, given, 400)

    keep = node("Last", "limit", 1, {"maxItems": 1, "keep": "lastItems"}, 600)
    for count in (3, 90_000):
        export = chain(START, fetch(f"{server.url}/csv", responseFormat="file"), apart({"maxRowCount": count}), keep)
        result = await run(temporal, service, database, keys, export)
        assert result.outputs != [], result.journal.error
        assert result.outputs[0] is not None
        assert result.outputs[0][0]["json"] == {"id": str(count - 1), "text": "one\ntwo"}
        assert [step.items_out for step in result.journal.steps if step.node == "Rows"] == [[count]]
    whole = await run(
        temporal, service, database, keys, chain(START, fetch(f"{server.url}/csv", responseFormat="file"), apart({}))
    )
    assert whole.journal.error is not None
    assert "too large to be worked on" in whole.journal.error["message"]


async def test_a_long_file_goes_to_the_disk_and_comes_back(
    temporal: Client, tenants: tuple[str, str], service: Settings, database: Database, keys: Keyring, server: Server,
    tmp_path: Path,
) -> None:  # fmt: skip
    """The nodes for files move it, too."""
    write = node("Write", "readWriteFile", 1, {"operation": "write", "fileName": "/long.bin", "options": {}}, 400)
    read = node("Read", "readWriteFile", 1, {"operation": "read", "fileSelector": "/*.bin", "options": {}}, 600)
    raw = send(server.url, contentType="binaryData", inputDataFieldName="data")
    export = chain(START, fetch(f"{server.url}/file", responseFormat="file"), write, read, raw)
    result = await run(temporal, service, database, keys, export, files=tmp_path)
    assert result.journal.status == "success", result.journal.error
    wanted = hashlib.sha256(b"".join(bytes([i]) * MIB for i in range(SIZE // MIB))).hexdigest()
    assert server.taken == [{"size": SIZE, "sha256": wanted, "type": "application/octet-stream"}]
    assert (tmp_path / "acme" / "long.bin").stat().st_size == SIZE
