"""Short runs at a steady rate, begun by REST whether those before have ended or not, beside the same written by hand."""

import asyncio
import json
import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import httpx
from temporalio.client import Client

from bench.exports import START, chain, set_node
from bench.quantiles import quantiles
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

RATE: Final = float(os.environ.get("BENCH_RATE", "50"))
"""Runs per second."""
SECONDS: Final = float(os.environ.get("BENCH_SECONDS", "20"))
WARM_SECONDS: Final = 5.0
DRAIN_SECONDS: Final = 60.0
"""How long the last runs may take to end."""


async def measure() -> dict[str, Any]:
    """Seconds from the request to the end of its run, of both, one after the other."""
    with state_folder() as folder:
        async with EmbeddedProfile(Settings.load({"TEMPOR8_STATE": folder}), any_ports=True, ui=False) as profile:
            key = await _publish(profile.settings())
            ports = {"tempor8": free_port(0), "handwritten": free_port(0)}
            base = {**os.environ, **profile.environment(), "TEMPOR8_LOG_LEVEL": "warning"}
            peer = "bench.handwritten"
            client = await Client.connect(profile.settings().temporal_address or "")
            with (
                processes(
                    {"worker": ["cli.main", "worker"], "api": ["cli.main", "serve"]},
                    {**base, "TEMPOR8_PORT": str(ports["tempor8"])},
                ) as ours,
                processes(
                    {"worker": [peer, "worker"], "api": [peer, "serve"]},
                    {**base, "TEMPOR8_PORT": str(ports["handwritten"])},
                ) as theirs,
            ):
                for port in ports.values():
                    await _up(port)
                return {
                    "rate": RATE,
                    "tempor8": await _side(client, ports["tempor8"], "short", key, ours),
                    "handwritten": await _side(client, ports["handwritten"], "ThreeSets", key, theirs),
                    "load_average": os.getloadavg()[0],
                }


async def _publish(settings: Settings) -> str:
    assert settings.database_url is not None
    export = chain(
        START, *(set_node(f"Set{place}", 200 * place, {f"f{place}": "={{ $json.n + 1 }}"}) for place in range(3))
    )
    compiled = compile_export(export, file="bench.json", catalog=CATALOG)
    assert compiled.plan is not None, [each.message for each in compiled.diagnostics]
    async with Database(settings.database_url.get_secret_value(), size=2, keys=keyring(settings)) as database:
        tenants = TenantStore(database, keyring(settings))
        await tenants.create("bench")
        await TemplateStore(database).publish("bench", "short", compiled.plan, json.dumps(export))
        return await tenants.issue("bench", "bench")


async def _side(client: Client, port: int, kind: str, key: str, pids: Mapping[str, int]) -> dict[str, Any]:
    limits = httpx.Limits(max_connections=400, max_keepalive_connections=400, keepalive_expiry=2)
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", headers={"X-API-Key": key}, timeout=60, limits=limits
    ) as http:
        await _load(http, WARM_SECONDS)
        before = {name: _cpu(pid) for name, pid in pids.items()}
        begun, began = await _load(http, SECONDS), datetime.now(UTC)
        ended = await _ends(client, kind, began)
        taken = [ended[id_] - at for id_, at in begun.items() if id_ in ended]
    return {
        **quantiles(taken, (0.5, 0.95), 3),
        "runs": len(taken),
        "unfinished": len(begun) - len(taken),
        "cpu_ms_per_run": {
            name: round((_cpu(pid) - before[name]) / len(begun) * 1000, 1) for name, pid in pids.items()
        },
    }


async def _load(http: httpx.AsyncClient, seconds: float) -> dict[str, float]:
    """Begin runs for so many seconds; return when each was asked for, by workflow id."""
    begun: dict[str, float] = {}

    async def one() -> None:
        at = time.time()
        answer = await http.post("/workflows/start", json={"workflow_template": "short", "input_data": {"n": 1}})
        answer.raise_for_status()
        begun[answer.json()["workflow_id"]] = at

    clock = asyncio.get_running_loop().time
    first, tasks = clock(), []
    for number in range(round(RATE * seconds)):
        await asyncio.sleep(max(0.0, first + number / RATE - clock()))
        tasks.append(asyncio.create_task(one()))
    await asyncio.gather(*tasks)
    return begun


async def _ends(client: Client, kind: str, since: datetime) -> dict[str, float]:
    """When each run ended, by Temporal's clock; wait until none is open."""
    until = time.monotonic() + DRAIN_SECONDS
    while time.monotonic() < until:
        open_ = await client.count_workflows(f"WorkflowType = '{kind}' AND ExecutionStatus = 'Running'")
        if not open_.count and (datetime.now(UTC) - since).total_seconds() > 2:
            break
        await asyncio.sleep(0.5)
    ended = {}
    async for run in client.list_workflows(f"WorkflowType = '{kind}'", page_size=1000):
        if run.close_time is not None:
            ended[run.id] = run.close_time.timestamp()
    return ended
