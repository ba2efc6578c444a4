"""A payload store that is away for longer than a heartbeat may: the step waits with its result, and its effect is not repeated."""

import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client

from bench.exports import START, chain
from runtime.platform.keys import Keyring
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from runtime.platform.storage.blobs import BlobStore
from runtime.platform.temporal import connect, data_converter
from tests.integration.platform.bucket import Bucket
from tests.integration.test_long_files import run, send

pytestmark = pytest.mark.long

OUTAGE_SECONDS: Final = 9.0
"""Longer than the heartbeat's time-out."""
ANSWERS: Final = {
    "/text": ("text/plain", b"x" * 500_000),
    "/file": ("application/octet-stream", bytes(range(256)) * 40_000),
}


class Charging:
    """Counts what it is asked for; its first answer is the moment at which the bucket goes down for a while."""

    def __init__(self, bucket: Bucket) -> None:
        self.asked: list[str] = []
        server = self

        def back() -> None:
            bucket.down = False

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                server.asked.append(self.headers.get("Idempotency-Key", ""))
                if len(server.asked) == 1:
                    bucket.down = True
                    threading.Timer(OUTAGE_SECONDS, back).start()
                type_, body = ANSWERS[self.path]
                self.send_response(200)
                self.send_header("Content-Type", type_)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Quiet."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    """An empty one."""
    with Bucket() as opened:
        yield opened


@pytest.fixture
def charging(bucket: Bucket) -> Iterator[Charging]:
    """It runs beside the test."""
    made = Charging(bucket)
    threading.Thread(target=made.http.serve_forever, daemon=True).start()
    yield made
    made.http.shutdown()
    made.http.server_close()


async def delete_runs(client: Client) -> None:
    """Delete the closed runs of `run` from Temporal."""
    async for each in client.list_workflows("WorkflowType = 'test' AND ExecutionStatus != 'Running'"):
        execution = WorkflowExecution(workflow_id=each.id, run_id=each.run_id)
        request = DeleteWorkflowExecutionRequest(namespace=client.namespace, workflow_execution=execution)
        await client.workflow_service.delete_workflow_execution(request)


@pytest.mark.parametrize("path", ANSWERS)
async def test_the_effect_of_a_step_is_not_repeated(
    path: str, bucket: Bucket, charging: Charging, tenants: tuple[str, str], service: Settings, database: Database, keys: Keyring
) -> None:  # fmt: skip
    """Neither where the result is large, nor where it is a file."""
    where: dict[str, Any] = {
        "s3_bucket": "payloads", "s3_endpoint": bucket.endpoint, "s3_access_key": "key",
        "s3_secret_key": Settings.load({"TEMPOR8_S3_SECRET_KEY": uuid.uuid4().hex}).s3_secret_key,
    }  # fmt: skip
    settings = service.model_copy(update=where)
    client = await connect(settings, data_converter(settings, keys, BlobStore.of(settings, database, keys)))
    body = {"specifyBody": "json", "jsonBody": "{}"}
    try:
        result = await run(client, settings, database, keys, chain(START, send(f"{charging.url}{path}", **body)))
    finally:  # the bucket ends with the test: the projector of another one would wait for it without end
        await delete_runs(client)
    assert result.journal.status == "success", result.journal.error
    assert len(charging.asked) == 1
    assert result.journal.steps[-1].tries == 1
