"""A service that asks for a pause: the step waits at Temporal, and goes on at the item where it stopped."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker

from bench.exports import START, chain, node
from cli.testing.temporal import CaseTemplates
from runtime.contract import HttpResponse
from runtime.hosts.local.offline import OfflineCapabilities
from runtime.hosts.temporal.capabilities.http import WorkerHttp
from runtime.hosts.temporal.capabilities.progress import WorkerProgress
from runtime.hosts.temporal.resources import WorkerResources
from runtime.hosts.temporal.service_pauses import ServicePauses
from runtime.hosts.temporal.worker import build_worker
from runtime.platform.egress_clients import EgressClients
from schemas.task import Task
from tests.integration.test_failures_on_temporal import ended
from tests.integration.test_shares import replay
from tests.integration.test_temporal_host import queue, start

__all__ = ["queue"]

pytestmark = pytest.mark.long

BIG = "x" * 40_000
"""Of an answer: a heartbeat carries one of them."""


class Service(OfflineCapabilities):
    """A server on the loopback interface that refuses the path `/2` as often as it is told, and a worker's HTTP to it."""

    def __init__(self) -> None:
        super().__init__(http=self, progress=WorkerProgress())
        self.clients = EgressClients(["127.0.0.0/8"])
        self.pauses = ServicePauses()
        self.url, self.refusals, self.status, self.pause = "", 1, b"429 Too Many Requests", b"6"
        self.attempts: dict[int, WorkerHttp] = {}
        """The HTTP of each attempt."""
        self.answered: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    async def get(self, tenant: str) -> tuple[str, ...]:
        """Return what a tenant opened, as `allow_lists` does."""
        del tenant
        return ()

    async def request(self, method: str, url: str, **options: Any) -> HttpResponse:
        """Send it as a worker does."""
        task = {"meta": {"tenant": "acme", "execution_id": "e", "chain_id": "c"}, "step": {"name": "n"}, "run_index": 0}
        resources = SimpleNamespace(
            clients=self.clients, allow_lists=self, opened={}, settings=SimpleNamespace(payload_limit=1024 * 1024),
            pauses=self.pauses,
        )  # fmt: skip
        attempt = activity.info().attempt
        if attempt not in self.attempts:
            self.attempts[attempt] = WorkerHttp(cast("WorkerResources", resources), cast("Task", task))
        return await self.attempts[attempt].request(method, url, **options)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
        refused = path == "/2" and self.refused[path] < self.refusals
        (self.refused if refused else self.answered)[path] += 1
        body = b"{}" if refused else json.dumps({"path": path, "filler": BIG}).encode()
        head = b"HTTP/1.1 %s\r\nRetry-After: %s" % (self.status, self.pause) if refused else b"HTTP/1.1 200 OK"
        writer.write(
            head
            + b"\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body)
            + body
        )
        await writer.drain()
        writer.close()


@pytest.fixture
async def vendor() -> AsyncIterator[Service]:
    """The server."""
    built = Service()
    listening = await asyncio.start_server(built.serve, "127.0.0.1", 0)
    built.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    yield built
    listening.close()
    await built.clients.close()


@pytest.fixture
async def worker(temporal: Client, tenants: tuple[str, str], queue: str, vendor: Service) -> AsyncIterator[Worker]:
    """A worker as it runs in production."""
    async with build_worker(temporal, vendor, CaseTemplates(), queue) as built:
        yield built


def export(vendor: Service, *, never_error: bool = False, method: str = "GET") -> dict[str, Any]:
    """A request for each item, one after the other."""
    options: dict[str, Any] = {"batching": {"batch": {"batchSize": 1, "batchInterval": 50}}}
    if never_error:
        options["response"] = {"response": {"neverError": True}}
    parameters = {"method": method, "url": f"={vendor.url}/{{{{ $json.n }}}}", "options": options}
    return chain(START, node("Call", "httpRequest", 4.2, parameters, 200))


ITEMS = [{"json": {"n": number}} for number in range(8)]


@pytest.mark.parametrize(
    ("status", "method", "carried"),
    [
        (b"429 Too Many Requests", "GET", None),
        (b"503 Service Unavailable", "POST", None),
        (b"429 Too Many Requests", "GET", 1024 * 1024),
    ],
    ids=["too many requests", "service unavailable to what changes", "heartbeats that go into the store of payloads"],
)
async def test_a_step_goes_on_at_the_item_where_it_stopped(
    temporal: Client,
    queue: str,
    worker: Worker,
    vendor: Service,
    status: bytes,
    method: str,
    carried: int | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No request that was answered is sent again, however large the answers; nothing is sent before the pause is over."""
    if carried is not None:
        monkeypatch.setattr("runtime.nodes.checkpoint._MAX_BYTES", carried)
    vendor.status, vendor.refusals = status, 2
    handle = await start(temporal, queue, export(vendor, method=method), ITEMS)
    result = await ended(handle, 60)
    assert result.journal.status == "success"
    assert [item["json"]["path"] for item in result.outputs[0] or []] == [f"/{number}" for number in range(8)]
    assert vendor.answered == {f"/{number}": 1 for number in range(8)}
    assert vendor.refused == {"/2": 2}
    events = [event async for event in handle.fetch_history_events()]
    begun = [each for each in events if each.HasField("activity_task_started_event_attributes")]
    assert [each.activity_task_started_event_attributes.attempt for each in begun] == [3]
    await replay(temporal, handle)


async def test_a_pause_that_is_too_long_is_the_nodes_error(
    temporal: Client, queue: str, worker: Worker, vendor: Service
) -> None:
    vendor.pause = b"3601"
    told = (await ended(await start(temporal, queue, export(vendor), ITEMS))).journal
    assert told.status == "error"
    assert (told.error or {})["httpCode"] == "429"
    assert vendor.refused == {"/2": 1}


async def test_who_takes_every_status_gets_it(temporal: Client, queue: str, worker: Worker, vendor: Service) -> None:
    """With Never Error the author has a branch of his own for it."""
    result = await ended(await start(temporal, queue, export(vendor, never_error=True), ITEMS))
    assert result.journal.status == "success"
    assert len(result.outputs[0] or []) == 8
    assert vendor.refused == {"/2": 1}
