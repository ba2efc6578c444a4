"""What traces and metrics cost: the workflow of `bench.webhook` in an installation that has both, beside one that has neither.

Each has its own servers, worker and API; they take turns, and while one has its turn nobody asks the other. A collector takes the
traces, and the metrics of both processes are read every five seconds, thrice as often as Prometheus does by default.
"""

import asyncio
import contextlib
import os
import statistics
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

import httpx

from bench.webhook import CLIENTS, SECONDS, _cpu, _publish, _up, load, processes, state_folder
from runtime.platform.embedded import EmbeddedProfile
from runtime.platform.embedded.process import free_port
from runtime.platform.settings import Settings

ROUNDS: Final = int(os.environ.get("BENCH_ROUNDS", "9"))
SCRAPE_SECONDS: Final = 5.0
PATH: Final = "/webhook/bench/bench"


@dataclass(frozen=True)
class _Installation:
    port: int
    pids: Mapping[str, int]
    metrics: tuple[str, ...]
    """Addresses to read."""


class _Collector:
    """Takes whatever OTLP sends over HTTP, and counts requests."""

    def __init__(self) -> None:
        self.requests = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
                self.requests += 1
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
        writer.close()


async def measure() -> dict[str, Any]:
    """Runs per second and milliseconds of the processor per run of both, the medians of the turns."""
    collector = _Collector()
    listening = await asyncio.start_server(collector.serve, "127.0.0.1", 0)
    endpoint = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with AsyncExitStack() as opened:
        installations = {
            "on": await opened.enter_async_context(_installation({"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint})),
            "off": await opened.enter_async_context(_installation(None)),
        }
        runs: dict[str, list[float]] = {name: [] for name in installations}
        spent: dict[str, list[float]] = {name: [] for name in installations}
        for each in installations.values():
            await load(each.port, PATH, 2, SECONDS / 2)  # warm
        for turn in range(ROUNDS):
            for name in sorted(installations, reverse=bool(turn % 2)):
                rate, cost = await _turn(installations[name])
                runs[name].append(rate)
                spent[name].append(cost)
    listening.close()
    rates, costs = ({name: statistics.median(values) for name, values in each.items()} for each in (runs, spent))
    return {
        "runs_per_second": {name: round(value, 1) for name, value in rates.items()},
        "of_off": round(rates["on"] / rates["off"], 3),
        "turns": {name: [round(each, 1) for each in values] for name, values in runs.items()},
        "cpu_ms_per_run": {name: round(value, 2) for name, value in costs.items()},
        "requests_of_traces": collector.requests, "load_average": os.getloadavg()[0],
    }  # fmt: skip


@contextlib.asynccontextmanager
async def _installation(telemetry: Mapping[str, str] | None) -> AsyncIterator[_Installation]:
    """Servers, a worker and an API; with `telemetry` (its environment) both show their metrics."""
    with state_folder() as folder:
        async with EmbeddedProfile(Settings.load({"TEMPOR8_STATE": folder}), any_ports=True, ui=False) as profile:
            await _publish(profile.settings())
            port, shown = free_port(0), {"worker": free_port(0), "api": free_port(0)}
            base = {
                **os.environ,
                **profile.environment(),
                **(telemetry or {}),
                "TEMPOR8_LOG_LEVEL": "warning",
                "TEMPOR8_PORT": str(port),
            }
            commands = {"worker": ["cli.main", "worker"], "api": ["cli.main", "serve"]}
            async with AsyncExitStack() as opened:
                pids: dict[str, int] = {}
                for name, command in commands.items():
                    own = {"TEMPOR8_METRICS_ADDRESS": f"127.0.0.1:{shown[name]}"} if telemetry is not None else {}
                    pids |= opened.enter_context(processes({name: command}, base | own))
                await _up(port)
                addresses = tuple(f"http://127.0.0.1:{each}/metrics" for each in shown.values())
                yield _Installation(port, pids, addresses if telemetry is not None else ())


async def _turn(one: _Installation) -> tuple[float, float]:
    """Return runs per second, and milliseconds of the processor that worker and API spent on each."""
    before, began = sum(map(_cpu, one.pids.values())), time.perf_counter()
    reading = asyncio.create_task(_read(one.metrics))
    done = await load(one.port, PATH, CLIENTS, SECONDS)
    rate = len(done) / (time.perf_counter() - began)
    reading.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await reading
    await asyncio.sleep(1)  # the rows and traces of the last runs
    return rate, (sum(map(_cpu, one.pids.values())) - before) / len(done) * 1000


async def _read(addresses: tuple[str, ...]) -> None:
    async with httpx.AsyncClient() as client:
        while addresses:
            for each in addresses:
                (await client.get(each)).raise_for_status()
            await asyncio.sleep(SCRAPE_SECONDS)
