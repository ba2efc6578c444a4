"""What listeners of one run cost: processor time of the API and the worker, with none, one and 200 of them; and for how long
other requests wait while so many begin to listen at once.
"""

import asyncio
import json
import os
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx

from bench.exports import START, Export, chain, node
from bench.probe import Samples, probe
from bench.webhook import _cpu, _up, processes, state_folder
from compiler import compile_export
from runtime.catalog import CATALOG
from runtime.platform.embedded import EmbeddedProfile
from runtime.platform.embedded.process import free_port
from runtime.platform.keys import keyring
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from service.templates import TemplateStore
from service.tenants import TenantStore

SECONDS: Final = float(os.environ.get("BENCH_SECONDS", "8"))
LISTENERS: Final = (0, 1, 200)
STEPS: Final = 400
"""Of the run that goes on, five in a second; and of the one that has them behind it."""
PROBES: Final = 100
"""Requests of somebody else before anybody listens."""


def _wait(name: str, seconds: float) -> dict[str, Any]:
    return node(name, "wait", 1.1, {"resume": "timeInterval", "amount": seconds, "unit": "seconds"}, 0)


TEMPLATES: Final[Mapping[str, list[dict[str, Any]]]] = {
    "idle": [START, _wait("Wait", 3600)],
    "steps": [START, *(_wait(f"Wait{number}", 0.2) for number in range(STEPS))],
    "long": [
        START,
        *(node(f"Set{number}", "set", 3.4, {"options": {}}, 0) for number in range(STEPS)),
        _wait("Wait", 3600),
    ],
}


async def measure() -> list[dict[str, Any]]:
    """Cores used per number of listeners, of a run that waits and of one with five steps a second."""
    with state_folder() as folder:
        settings = Settings.load({"TEMPOR8_STATE": folder})
        async with EmbeddedProfile(settings, any_ports=True, ui=False) as profile:
            key = await publish(profile.settings(), {name: chain(*nodes) for name, nodes in TEMPLATES.items()})
            port = free_port(0)
            environment = {
                **os.environ, **profile.environment(), "TEMPOR8_LOG_LEVEL": "warning", "TEMPOR8_PORT": str(port)
            }  # fmt: skip
            with processes({"worker": ["cli.main", "worker"], "api": ["cli.main", "serve"]}, environment) as pids:
                await _up(port)
                return [await _row(port, key, pids, name, count) for name in TEMPLATES for count in LISTENERS]


async def publish(settings: Settings, exports: Mapping[str, Export]) -> str:
    """Publish exports by their keys for a tenant of their own, and return an API key of it."""
    assert settings.database_url is not None
    async with Database(settings.database_url.get_secret_value(), size=2, keys=keyring(settings)) as database:
        tenants = TenantStore(database, keyring(settings))
        await tenants.create("bench")
        for key, export in exports.items():
            compiled = compile_export(export, file="bench.json", catalog=CATALOG)
            assert compiled.plan is not None, [each.message for each in compiled.diagnostics]
            await TemplateStore(database).publish("bench", key, compiled.plan, json.dumps(export))
        return await tenants.issue("bench", "bench")


async def _row(port: int, key: str, pids: Mapping[str, int], template: str, count: int) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as client:
        answer = await client.post("/workflows/start", json={"workflow_template": template})
        run = answer.raise_for_status().json()["workflow_id"]
        heard = [0] * count
        async with probe(port, key) as samples:
            await _until(lambda: len(samples) >= PROBES)
            opened = time.perf_counter()
            listeners = [asyncio.create_task(_listen(port, key, run, heard, place)) for place in range(count)]
            await _until(lambda: all(heard))
            all_heard = time.perf_counter()
            await asyncio.sleep(1)
        await asyncio.sleep(2)
        before, began = {name: _cpu(pid) for name, pid in pids.items()}, time.perf_counter()
        await asyncio.sleep(SECONDS)
        spent = time.perf_counter() - began
        cores = {name: round((_cpu(pid) - before[name]) / spent, 3) for name, pid in pids.items()}
        for each in listeners:
            each.cancel()
        await asyncio.gather(*listeners, return_exceptions=True)
        (await client.post(f"/workflows/{run}/cancel")).raise_for_status()
    return {
        "run": template, "listeners": count, "cores": cores, "events_each": min(heard, default=0),
        "seconds_until_all_hear": round(all_heard - opened, 2),
        "other_requests_ms": _figures(samples, 0.0, opened), "while_they_open_ms": _figures(samples, opened, all_heard),
    }  # fmt: skip


async def _until(fits: Callable[[], bool]) -> None:
    while not fits():  # noqa: ASYNC110  # of counters that lines of other processes move
        await asyncio.sleep(0.02)


def _figures(samples: Samples, since: float, until: float) -> dict[str, float]:
    """Median and longest of the requests that were under way between two moments."""
    took = [each for begun, each in samples if begun + each / 1000 > since and begun < until]
    return {"median": round(statistics.median(took), 1), "longest": round(max(took), 1)} if took else {}


async def _listen(port: int, key: str, run: str, heard: list[int], place: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"GET /workflows/{run}/events HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n\r\n"
    writer.write(head.encode())
    try:
        while line := await reader.readline():
            heard[place] += line.startswith(b"event:")
    finally:
        writer.close()
