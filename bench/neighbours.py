"""What one tenant notices of another: its starts, runs and Code nodes beside 500 queued runs, a storm of stuck runs, open reports and
code that never ends.

Each row measures the quiet tenant alone first, and then beside the noise, in the same minutes on the same servers.
"""

import asyncio
import contextlib
import json
import os
import statistics
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpx
import psycopg
from temporalio.client import Client
from temporalio.common import Priority

from bench.exports import START, chain, node, set_node
from bench.webhook import _up, flow, processes, state_folder
from compiler import compile_export
from runtime.catalog import CATALOG
from runtime.platform.embedded import EmbeddedProfile
from runtime.platform.embedded.process import free_port
from runtime.platform.keys import keyring
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from runtime.platform.storage.blobs import BlobStore
from runtime.platform.temporal import connect, data_converter
from schemas import names
from schemas.run import TASK_TIMEOUT, StartInput
from service.templates import TemplateStore
from service.tenants import TenantStore

SAMPLES: Final = int(os.environ.get("BENCH_SAMPLES", "100"))
QUEUED: Final = 500
STORM: Final = 120
REPORTS: Final = 12
ENDLESS: Final = 12
"""Code nodes that never end, of each language."""
ROWS: Final = int(os.environ.get("BENCH_ROWS", "300000"))
"""Runs in the table of the noisy tenant."""
QUIET, NOISY = "quiet", "noisy"


@dataclass
class _World:
    quiet: httpx.AsyncClient
    noisy: httpx.AsyncClient
    temporal: Client


async def measure() -> list[dict[str, Any]]:
    """Milliseconds of the quiet tenant's starts (p99) and runs (median), alone and beside each kind of noise."""
    with state_folder() as folder:
        async with EmbeddedProfile(Settings.load({"TEMPOR8_STATE": folder}), any_ports=True, ui=False) as profile:
            settings = profile.settings()
            keys = await _publish(settings)
            await asyncio.to_thread(_fill, str(profile.addresses.database_admin_url))
            port = free_port(0)
            environment = {
                **os.environ, **profile.environment(), "TEMPOR8_LOG_LEVEL": "error", "TEMPOR8_PORT": str(port)
            }  # fmt: skip
            with processes({"worker": ["cli.main", "worker"], "api": ["cli.main", "serve"]}, environment):
                await _up(port)
                async with _world(settings, port, keys) as world:
                    await _measured(world)  # warm
                    return [await _row(world, name, noise) for name, noise in NOISES.items()]


@asynccontextmanager
async def _world(settings: Settings, port: int, keys: dict[str, str]) -> AsyncIterator[_World]:
    assert settings.database_url is not None
    async with contextlib.AsyncExitStack() as opened:
        database = await opened.enter_async_context(
            Database(settings.database_url.get_secret_value(), size=2, keys=keyring(settings))
        )
        ring = keyring(settings)
        clients = [
            await opened.enter_async_context(
                httpx.AsyncClient(
                    base_url=f"http://127.0.0.1:{port}",
                    headers={"Authorization": f"Bearer {keys[tenant]}"},
                    timeout=120,
                    limits=httpx.Limits(max_connections=200),
                )
            )
            for tenant in (QUIET, NOISY)
        ]
        quiet, noisy = clients
        yield _World(quiet, noisy, await connect(settings, data_converter(settings, ring, BlobStore(database, ring))))


async def _publish(settings: Settings) -> dict[str, str]:
    assert settings.database_url is not None
    keys = {}
    async with Database(settings.database_url.get_secret_value(), size=2, keys=keyring(settings)) as database:
        tenants = TenantStore(database, keyring(settings))
        steps = chain(START, *(set_node(f"Set{place}", place, {f"n{place}": "={{ 1 + 1 }}"}) for place in range(10)))
        for tenant in (QUIET, NOISY):
            await tenants.create(tenant)
            for key, export in (("bench", flow()), ("steps", steps), *_code_exports()):
                compiled = compile_export(export, file="bench.json", catalog=CATALOG)
                assert compiled.plan is not None, [each.message for each in compiled.diagnostics]
                await TemplateStore(database).publish(tenant, key, compiled.plan, json.dumps(export))
            keys[tenant] = await tenants.issue(tenant, "bench")
    return keys


def _code_exports() -> list[tuple[str, dict[str, Any]]]:
    """Return a webhook that answers with what one line of code gives, and a loop without end in each language."""
    hook = node(
        "Hook", "webhook", 2, {"httpMethod": "POST", "path": "code", "responseMode": "lastNode", "options": {}}, 0
    )
    short = node("Code", "code", 2, {"jsCode": "return [{json: {a: 1}}]"}, 200)
    endless = {
        "javascript": node("Code", "code", 2, {"jsCode": "while (true) {}"}, 200),
        "python": node("Code", "code", 2, {"language": "python", "pythonCode": "while True: pass"}, 200),
    }
    return [("code", chain(hook, short)), *((language, chain(START, each)) for language, each in endless.items())]


def _fill(url: str) -> None:
    """Give the noisy tenant its table of runs."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("select set_config('app.tenant_id', %s, false)", (NOISY,))
        connection.execute(
            "insert into workflow_executions (tenant_id, id, run_id, template_key, plan_hash, trigger_kind, status,"
            " started_at, closed_at, steps) select %s, %s || ':steps:' || n, n::text, 'steps', '', 'api', 'completed',"
            " now() - n * interval '1 second', now() - n * interval '1 second' + interval '80 ms', 5"
            " from generate_series(1, %s) n",
            (NOISY, NOISY, ROWS),
        )
        connection.execute("analyze workflow_executions")


async def _measured(world: _World) -> dict[str, float]:
    starts, runs, codes, refused = [], [], [], 0
    for _ in range(SAMPLES):
        began = time.perf_counter()
        answer = await world.quiet.post("/workflows/start", json={"workflow_template": "steps"})
        starts.append(time.perf_counter() - began)
        refused += answer.status_code != 202
        began = time.perf_counter()
        answer = await world.quiet.post(f"/webhook/{QUIET}/bench", json={"a": 1, "name": "Ada"})
        runs.append(time.perf_counter() - began)
        refused += answer.status_code != 200
        began = time.perf_counter()
        answer = await world.quiet.post(f"/webhook/{QUIET}/code", json={})
        codes.append(time.perf_counter() - began)
        refused += answer.status_code != 200
    return {
        "start_p99_ms": round(statistics.quantiles(starts, n=100)[98] * 1000, 1),
        "start_median_ms": round(statistics.median(starts) * 1000, 1),
        "run_median_ms": round(statistics.median(runs) * 1000, 1),
        "code_median_ms": round(statistics.median(codes) * 1000, 1),
        "refused": refused,
        "run_p99_ms": round(statistics.quantiles(runs, n=100)[98] * 1000, 1),
    }


async def _row(world: _World, name: str, noise: Callable[[_World], AbstractAsyncContextManager[Any]]) -> dict[str, Any]:
    alone = await _measured(world)
    async with noise(world) as about:
        beside = await _measured(world)
    ratios = {key: round(beside[key] / alone[key], 2) for key in ("start_p99_ms", "run_median_ms", "code_median_ms")}
    return {"noise": name, "alone": alone, "beside": beside, "times": ratios, "about": about}


def _queued(world: _World) -> AbstractAsyncContextManager[dict[str, int]]:
    return _at_once(lambda: world.noisy.post("/workflows/start", json={"workflow_template": "steps"}))


def _webhooks(world: _World) -> AbstractAsyncContextManager[dict[str, int]]:
    return _at_once(lambda: world.noisy.post(f"/webhook/{NOISY}/bench", json={"a": 1, "name": "Ada"}))


@asynccontextmanager
async def _at_once(start: Callable[[], Awaitable[httpx.Response]]) -> AsyncIterator[dict[str, int]]:
    """500 requests, over 50 connections."""
    about, places, stop = {"started": 0}, asyncio.Semaphore(50), asyncio.Event()

    async def one() -> None:
        async with places:
            if not stop.is_set():
                answer = await start()
                about["started"] += answer.status_code in (200, 202)

    first = [asyncio.create_task(one()) for _ in range(QUEUED)]
    try:
        yield about
    finally:
        stop.set()
        await asyncio.gather(*first)


@asynccontextmanager
async def _storm(world: _World) -> AsyncIterator[dict[str, int]]:
    """Runs whose first local activity fails for ever: the template's key cannot even be asked for."""
    handles = []
    for _ in range(STORM):
        id_ = names.workflow_id(NOISY, "stuck", str(uuid.uuid4()))
        run = StartInput(tenant=NOISY, template="stuck\x00", execution_id=id_)
        handles.append(
            await world.temporal.start_workflow(
                "stuck", run.model_dump(mode="json"), id=id_, task_queue="tempor8", task_timeout=TASK_TIMEOUT,
                priority=Priority(fairness_key=NOISY),
            )
        )  # fmt: skip
    await asyncio.sleep(10)
    try:
        yield {"stuck": STORM}
    finally:
        await asyncio.gather(*(each.terminate() for each in handles), return_exceptions=True)
        await asyncio.sleep(5)


@asynccontextmanager
async def _failing_tasks(world: _World) -> AsyncIterator[dict[str, int]]:
    """Runs whose workflow task fails for ever: they have no input."""
    handles = []
    for _ in range(STORM):
        id_ = names.workflow_id(NOISY, "broken", str(uuid.uuid4()))
        handles.append(
            await world.temporal.start_workflow(
                "broken", id=id_, task_queue="tempor8", task_timeout=TASK_TIMEOUT, priority=Priority(fairness_key=NOISY)
            )
        )
    await asyncio.sleep(3)
    try:
        yield {"stuck": STORM}
    finally:
        await asyncio.gather(*(each.terminate() for each in handles), return_exceptions=True)


@asynccontextmanager
async def _reports(world: _World) -> AsyncIterator[dict[str, int]]:
    """Twelve reports at any time."""
    about = {"200": 0, "refused": 0}

    async def report() -> None:
        while True:
            answer = await world.noisy.get("/metrics")
            about["200" if answer.status_code == 200 else "refused"] += 1
            await asyncio.sleep(0.1 if answer.status_code == 200 else 1)

    readers = [asyncio.create_task(report()) for _ in range(REPORTS)]
    await asyncio.sleep(1)
    try:
        yield about
    finally:
        for each in readers:
            each.cancel()
        await asyncio.gather(*readers, return_exceptions=True)


@asynccontextmanager
async def _endless(world: _World) -> AsyncIterator[dict[str, int]]:
    """Twelve Code nodes of each language that never end, for as long as the quiet tenant is measured."""
    begun = [
        (await world.noisy.post("/workflows/start", json={"workflow_template": language})).json()["workflow_id"]
        for language in ("javascript", "python")
        for _ in range(ENDLESS)
    ]
    await asyncio.sleep(3)
    try:
        yield {"endless": len(begun)}
    finally:
        ending = (world.temporal.get_workflow_handle(each).terminate() for each in begun)
        await asyncio.gather(*ending, return_exceptions=True)


NOISES: Final[dict[str, Callable[[_World], AbstractAsyncContextManager[Any]]]] = {
    "500 runs queued": _queued,
    "500 webhooks queued": _webhooks,
    "120 stuck runs, local activities": _storm,
    "120 stuck runs, workflow tasks": _failing_tasks,
    "12 reports open": _reports,
    "24 Code nodes without end": _endless,
}
