"""Webhook -> five Set -> If -> Respond as a durable run: latency, throughput and memory, beside a hand-written peer.

Both use the same Temporal server in the same minutes, taking turns, so that what else the machine does hits both.
"""

import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

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
"""Length of one measurement."""
ROUNDS: Final = 3
CLIENTS: Final = 10
BODY: Final = json.dumps({"a": 1, "name": "Ada Lovelace", "note": "x" * 40}).encode()


def flow(path: str = "bench", **own: str) -> dict[str, Any]:
    """The export: two expressions in each of five Set nodes, one in the If. `own`: settings of ours."""
    nodes = [_node("Hook", "webhook", 2, httpMethod="POST", path=path, responseMode="responseNode", options={})]
    for place in range(5):
        fields = [
            {"id": "t", "name": f"text{place}", "type": "string", "value": "={{ $json.body.name }}"},
            {"id": "n", "name": f"number{place}", "type": "number", "value": "={{ $json.body.a + 1 }}"},
        ]
        nodes.append(
            _node(f"Set{place}", "set", 3.4, assignments={"assignments": fields}, includeOtherFields=True, options={})
        )
    condition = {
        "id": "c", "leftValue": "={{ $json.number0 }}", "rightValue": 1,
        "operator": {"type": "number", "operation": "gt"},
    }  # fmt: skip
    options = {"caseSensitive": True, "leftValue": "", "typeValidation": "strict", "version": 2}
    conditions = {"options": options, "combinator": "and", "conditions": [condition]}
    nodes.append(_node("If", "if", 2.2, conditions=conditions, options={}))
    nodes.append(_node("Respond", "respondToWebhook", 1.1, respondWith="firstIncomingItem", options={}))
    names = [each["name"] for each in nodes]
    connections = {one: {"main": [[{"node": other, "type": "main", "index": 0}]]} for one, other in pairwise(names)}
    settings = {"executionOrder": "v1", "timezone": "UTC", "tempor8": own}
    return {"name": "bench", "nodes": nodes, "connections": connections, "settings": settings}


def _node(name: str, type_: str, version: float, **parameters: Any) -> dict[str, Any]:
    type_ = f"n8n-nodes-base.{type_}"
    return {
        "id": name, "name": name, "type": type_, "typeVersion": version, "position": [0, 0], "parameters": parameters
    }  # fmt: skip


async def load(port: int, path: str, clients: int, seconds: float) -> list[float]:
    """Latencies in seconds of requests over kept-alive connections, one after the other per client."""
    found: list[float] = []
    head = (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"
    )
    request = head.encode() + BODY
    until = time.perf_counter() + seconds

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (before := time.perf_counter()) < until:
            writer.write(request)
            answer = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(answer.split(b"content-length:")[1].split(b"\r\n")[0])
            body = await reader.readexactly(length)
            assert answer.startswith(b"http/1.1 200"), (answer, body)
            found.append(time.perf_counter() - before)
        writer.close()

    await asyncio.gather(*(one() for _ in range(clients)))
    return found


@contextmanager
def state_folder() -> Iterator[str]:
    """A folder that Postgres' unprivileged user can reach."""
    with tempfile.TemporaryDirectory(prefix="tempor8-bench-") as folder:
        Path(folder).chmod(0o755)
        yield folder


@contextmanager
def processes(commands: Mapping[str, list[str]], environment: Mapping[str, str]) -> Iterator[dict[str, int]]:
    """Children by name, with their process ids."""
    with ExitStack() as stack:
        running = {}
        for name, command in commands.items():
            child = subprocess.Popen([sys.executable, "-m", *command], env=dict(environment))  # noqa: S603  # our own
            stack.callback(child.wait, 20)
            stack.callback(child.send_signal, signal.SIGTERM)
            running[name] = child.pid
        yield running


async def _up(port: int) -> None:
    for _ in range(600):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
    raise TimeoutError(f"nothing listens at {port}")


def _memory(pid: int, kind: str) -> float:
    """Megabytes. `Rss`: resident. `Pss`: the same with each page that processes share counted once among them."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(f"{kind}:")) * 1024 / 1e6


def _cpu(pid: int) -> float:
    """Seconds of processor time so far, its children's that ended included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure() -> dict[str, Any]:
    """All figures."""
    with state_folder() as folder:
        settings = Settings.load({"TEMPOR8_STATE": folder})
        async with EmbeddedProfile(settings, any_ports=True, ui=False) as profile:
            await _publish(profile.settings())
            open_dependencies = {"tempor8": free_port(0), "handwritten": free_port(0)}
            base = {**os.environ, **profile.environment(), "TEMPOR8_LOG_LEVEL": "warning"}
            ours = {**base, "TEMPOR8_PORT": str(open_dependencies["tempor8"])}
            theirs = {**base, "TEMPOR8_PORT": str(open_dependencies["handwritten"])}
            peer = "bench.handwritten"
            with (
                processes({"worker": ["cli.main", "worker"], "api": ["cli.main", "serve"]}, ours) as pids,
                processes({"worker": [peer, "worker"], "api": [peer, "serve"]}, theirs),
            ):
                found = await _turns(open_dependencies, pids)
            in_process = {**base, "TEMPOR8_PORT": str(free_port(0)), "TEMPOR8_TRANSIENT": "1"}
            with processes({"api": ["cli.main", "serve"]}, in_process) as pids:
                return found | {"transient": await _transient(int(in_process["TEMPOR8_PORT"]), pids["api"])}


async def _publish(settings: Settings) -> None:
    assert settings.database_url is not None
    async with Database(settings.database_url.get_secret_value(), size=2, keys=keyring(settings)) as database:
        await TenantStore(database, keyring(settings)).create("bench")
        for export in (flow(), flow("quick", durability="transient")):
            compiled = compile_export(export, file="bench.json", catalog=CATALOG)
            assert compiled.plan is not None, [each.message for each in compiled.diagnostics]
            key = export["nodes"][0]["parameters"]["path"]
            await TemplateStore(database).publish("bench", key, compiled.plan, json.dumps(export))


async def _transient(port: int, pid: int) -> dict[str, Any]:
    """The same workflow in the API process: no Temporal, nothing survives a crash, as in n8n."""
    await _up(port)
    await load(port, "/webhook/bench/quick", 2, SECONDS / 2)  # warm
    alone = await load(port, "/webhook/bench/quick", 1, SECONDS / 2)
    began = time.perf_counter()
    done = await load(port, "/webhook/bench/quick", CLIENTS, SECONDS)
    return {
        "p50_alone_ms": round(statistics.median(alone) * 1000, 1),
        "runs_per_second": round(len(done) / (time.perf_counter() - began), 1),
        "memory_mb": round(_memory(pid, "Rss")),
    }


async def _turns(open_dependencies: Mapping[str, int], pids: Mapping[str, int]) -> dict[str, Any]:
    paths = {"tempor8": "/webhook/bench/bench", "handwritten": "/"}
    alone: dict[str, list[float]] = {name: [] for name in open_dependencies}
    busy: dict[str, list[float]] = {name: [] for name in open_dependencies}
    spent = dict.fromkeys(pids, 0.0)
    for name, port in open_dependencies.items():
        await _up(port)
        await load(port, paths[name], 2, SECONDS / 2)  # warm
    for _ in range(ROUNDS):
        for name, port in open_dependencies.items():
            alone[name] += await load(port, paths[name], 1, SECONDS / 2)
            before = {child: _cpu(pid) for child, pid in pids.items()}
            began = time.perf_counter()
            done = await load(port, paths[name], CLIENTS, SECONDS)
            busy[name].append(len(done) / (time.perf_counter() - began))
            if name == "tempor8":
                for child, pid in pids.items():
                    spent[child] += (_cpu(pid) - before[child]) / len(done) * 1000 / ROUNDS
    throughput = {name: statistics.median(values) for name, values in busy.items()}
    return {
        "p50_alone_ms": {name: round(statistics.median(values) * 1000, 1) for name, values in alone.items()},
        "runs_per_second": {name: round(value, 1) for name, value in throughput.items()},
        "of_handwritten": round(throughput["tempor8"] / throughput["handwritten"], 2),
        "cpu_ms_per_run": {child: round(value, 1) for child, value in spent.items()},
        "memory_mb": {child: round(_memory(pid, "Pss")) for child, pid in pids.items()},
        "resident_mb": {child: round(_memory(pid, "Rss")) for child, pid in pids.items()},
        "load_average": os.getloadavg()[0],
    }


def main() -> None:
    """Print the figures as JSON."""
    print(json.dumps(asyncio.run(measure()), indent=2))


if __name__ == "__main__":
    main()
