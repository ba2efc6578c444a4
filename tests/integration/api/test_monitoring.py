"""Metrics from stored rows, and health that says what is down."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from litestar import Litestar
from pydantic import SecretStr

from api.app import create_app
from api.dependencies import Dependencies
from cli.support.wiring import open_dependencies
from runtime.platform.keys import Keyring
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from service.tenants import TenantStore
from tests.exports import failing, greeting
from tests.patience import PATIENCE
from tests.service import client, ended, eventually, started

pytestmark = pytest.mark.usefixtures("published")


async def test_metrics_count_what_really_ran(acme: httpx.AsyncClient) -> None:
    for key, export in (("metered", greeting()), ("metered_failing", failing())):
        assert (await acme.post("/templates", params={"key": key}, json=export)).status_code == 201
    runs = [await started(acme, key, {"name": "m"}) for key in ("metered", "metered", "metered_failing")]
    for run in runs:
        await ended(acme, run)

    async def counted() -> Any:
        report = (await acme.get("/metrics")).json()
        by_key = {each["workflow_template"]: each for each in report["templates"]}
        ended_runs = sum(
            by_key[key]["total"] - by_key[key]["by_status"]["running"] for key in by_key if "metered" in key
        )
        return (report, by_key) if ended_runs == len(runs) else None

    report, by_key = await eventually(counted)
    good, bad = by_key["metered"], by_key["metered_failing"]
    assert (good["by_status"]["completed"], good["success_rate"], good["steps"]) == (2, 1, 6)
    assert (bad["by_status"]["failed"], bad["success_rate"]) == (1, 0)
    assert 0 < good["duration"]["p50_ms"] <= good["duration"]["p95_ms"]
    assert 0 < report["runs"]["success_rate"] < 1
    assert report["runs"]["total"] == sum(each["total"] for each in report["templates"])
    assert abs(sum(each["share"] for each in report["templates"]) - 1) < 1e-9


async def test_metrics_speak_prometheus_when_asked(acme: httpx.AsyncClient) -> None:
    run = await started(acme, "greeting", {"name": "p"})
    await ended(acme, run)

    async def scraped() -> Any:
        answer = await acme.get("/metrics", headers={"accept": "text/plain;version=0.0.4"})
        assert answer.headers["content-type"].startswith("text/plain")
        return answer.text if 'tempor8_tenant_runs{status="completed",template="greeting"}' in answer.text else None

    assert await eventually(scraped)


async def test_metrics_of_a_tenant_without_runs_are_empty_and_not_invented(
    application: Litestar, database: Database, keys: Keyring
) -> None:
    store = TenantStore(database, keys)
    await store.create("idle")
    async with client(application, await store.issue("idle", "test")) as idle:
        report = (await idle.get("/metrics")).json()
    assert report["runs"]["total"] == 0
    assert report["runs"]["success_rate"] is None
    assert report["templates"] == []
    assert report["agents"] == []


async def test_health_is_ok_when_everything_answers(anonymous: httpx.AsyncClient) -> None:
    async def healthy() -> Any:
        answer = await anonymous.get("/health")
        return answer.json() if answer.json()["status"] == "ok" else None

    report = await eventually(healthy)
    statuses = {name: check["status"] for name, check in report["checks"].items()}
    assert {"temporal", "postgres", "workers", "runs", "projector", "projector repair"} <= set(statuses)
    assert set(statuses.values()) == {"up"}
    assert (await anonymous.get("/livez")).json() == {"status": "ok"}
    assert (await anonymous.get("/readyz")).status_code == 200


@pytest.fixture
async def cut_off(service: Settings, dependencies: Dependencies) -> AsyncIterator[tuple[Litestar, Dependencies]]:
    """An application whose Temporal is at an address where nothing listens."""
    del dependencies
    async with open_dependencies(service.model_copy(update={"temporal_address": "127.0.0.1:1"})) as lonely:
        yield create_app(lonely, projector=False), lonely


async def test_without_temporal_the_api_says_so_and_how_to_start_it(
    cut_off: tuple[Litestar, Dependencies], api_keys: tuple[str, str]
) -> None:
    async with client(cut_off[0], api_keys[0]) as caller:
        health = await caller.get("/health")
        assert health.status_code == 503
        assert health.json()["checks"]["temporal"]["status"] == "down"
        assert "Start it" in health.json()["checks"]["temporal"]["hint"]
        assert health.json()["checks"]["postgres"]["status"] == "up"
        began = time.monotonic()
        answer = await caller.post("/workflows/start", json={"workflow_template": "greeting"})
        assert time.monotonic() - began < PATIENCE
        assert answer.status_code == 503
        assert answer.json()["component"] == "temporal"
        assert "retry-after" in answer.headers
        assert (await caller.get("/templates")).status_code == 200


async def test_without_postgres_the_api_says_so_and_how_to_start_it(
    service: Settings, api_keys: tuple[str, str]
) -> None:
    settings = service.model_copy(update={"database_url": SecretStr("postgresql://u:p@127.0.0.1:1/x")})
    async with (
        open_dependencies(settings) as lonely,
        client(create_app(lonely, projector=False), api_keys[0]) as caller,
    ):
        health = await caller.get("/health")
        assert health.status_code == 503
        assert health.json()["checks"]["postgres"]["status"] == "down"
        answer = await caller.get("/workflows")
        assert answer.status_code == 503
        assert answer.json()["component"] == "postgres"
        assert "127.0.0.1" not in answer.text


async def test_the_api_recovers_by_itself_when_temporal_comes_back(
    service: Settings, api_keys: tuple[str, str]
) -> None:
    assert service.temporal_address is not None
    host, _, port = service.temporal_address.rpartition(":")
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    own_port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    async with (
        open_dependencies(service.model_copy(update={"temporal_address": f"127.0.0.1:{own_port}"})) as dependencies,
        client(create_app(dependencies, projector=False), api_keys[0]) as caller,
    ):
        assert (await caller.get("/readyz")).json() == {"status": "down", "down": ["temporal"]}

        async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there_reader, there_writer = await asyncio.open_connection(host, int(port))
            await asyncio.gather(_pipe(reader, there_writer), _pipe(there_reader, writer))

        relay = await asyncio.start_server(forward, "127.0.0.1", own_port)

        async def ready() -> bool:
            return (await caller.get("/readyz")).status_code == 200

        assert await eventually(ready)
        answer = await caller.post("/workflows/start", json={"workflow_template": "greeting"})
        assert answer.status_code == 202
        relay.close()


async def _pipe(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        target.write(data)
        await target.drain()
    target.close()
