"""A worker whose heartbeats do not arrive, on a machine that is too busy: it lives, and what it does is not done again."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import pytest
from temporalio import activity
from temporalio.client import Client

from bench.exports import START, chain
from runtime.hosts.temporal.heartbeats import Beats
from runtime.platform.keys import Keyring
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from tests.integration.test_long_files import run, send

pytestmark = pytest.mark.long

ANSWER: Final = b'{"charged": true}'


class SlowServer:
    """Answers once it is let, and counts what it is asked for."""

    def __init__(self) -> None:
        self.asked, self.may_answer = 0, threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                server.asked += 1
                server.may_answer.wait()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(ANSWER)))
                self.end_headers()
                self.wfile.write(ANSWER)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Quiet."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"


@pytest.fixture
def slow() -> Iterator[SlowServer]:
    """It runs beside the test."""
    made = SlowServer()
    threading.Thread(target=made.http.serve_forever, daemon=True).start()
    yield made
    made.may_answer.set()
    made.http.shutdown()
    made.http.server_close()


async def test_another_attempt_joins_the_one_that_still_works(
    slow: SlowServer, temporal: Client, tenants: tuple[str, str], service: Settings, database: Database, keys: Keyring,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Temporal gives the first attempt up for want of heartbeats. The request that it sent is the only one, and its answer counts."""
    told = Beats.send

    def send_of_later_attempts(self: Beats) -> None:
        if activity.info().attempt > 1:
            told(self)
            slow.may_answer.set()

    monkeypatch.setattr(Beats, "send", send_of_later_attempts)
    result = await run(
        temporal, service, database, keys, chain(START, send(slow.url, specifyBody="json", jsonBody="{}"))
    )
    assert result.journal.status == "success", result.journal.error
    assert result.outputs[0] == [{"json": {"charged": True}, "pairedItem": {"item": 0}}]
    assert slow.asked == 1
