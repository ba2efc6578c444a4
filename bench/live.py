"""How far what a listener sees is behind what happened: from the answer that a step got to the event that says the step is done.

A run of steps that each ask a server which takes its time; the server and the listeners share a clock.
"""

import asyncio
import json
import os
import time
from typing import Any, Final

import httpx

from bench.exports import START, chain, node
from bench.listeners import publish
from bench.quantiles import quantiles
from bench.webhook import _up, processes, state_folder
from runtime.platform.embedded import EmbeddedProfile
from runtime.platform.embedded.process import free_port
from runtime.platform.settings import Settings

STEPS: Final = 60
SLOW: Final = 0.2
"""Seconds that each request takes."""
ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


async def measure() -> list[dict[str, Any]]:
    """Milliseconds that the event of a step comes after the answer to its request: quantiles, for one listener and for the last of 50."""
    answered: dict[str, float] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await asyncio.sleep(SLOW)
                answered[head.split(b" ")[1].decode().strip("/")] = time.perf_counter()
                writer.write(ANSWER)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    steps = [
        node(f"Get{place}", "httpRequest", 4.2, {"url": f"{url}/Get{place}", "options": {}}, 0)
        for place in range(STEPS)
    ]
    with state_folder() as folder:
        async with EmbeddedProfile(Settings.load({"TEMPOR8_STATE": folder}), any_ports=True, ui=False) as profile:
            key = await publish(profile.settings(), {"live": chain(START, *steps)})
            port = free_port(0)
            environment = {
                **os.environ, **profile.environment(), "TEMPOR8_LOG_LEVEL": "warning", "TEMPOR8_PORT": str(port), "TEMPOR8_EGRESS_ALLOW": "127.0.0.1",
            }  # fmt: skip
            with processes({"worker": ["cli.main", "worker"], "api": ["cli.main", "serve"]}, environment):
                await _up(port)
                rows = []
                for count in (1, 50):
                    answered.clear()
                    rows.append(await _row(port, key, count, answered))
    listening.close()
    return rows


async def _row(port: int, key: str, count: int, answered: dict[str, float]) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=120) as client:
        answer = await client.post("/workflows/start", json={"workflow_template": "live"})
        run = answer.raise_for_status().json()["workflow_id"]
        seen = await asyncio.gather(*(_listen(client, run) for _ in range(count)))
    late = [max(each[name] for each in seen) - moment for name, moment in answered.items()]
    return {
        "listeners": count,
        "steps": len(late),
        "behind_ms": quantiles([each * 1000 for each in late], (0.5, 0.95, 1.0)),
    }


async def _listen(client: httpx.AsyncClient, run: str) -> dict[str, float]:
    """Return when the event of each step came, until the run's end."""
    seen: dict[str, float] = {}
    async with client.stream("GET", f"/workflows/{run}/events") as stream:
        async for line in stream.aiter_lines():
            if line.startswith("data:") and "node" in (event := json.loads(line[5:])):
                seen[event["node"]] = time.perf_counter()
    return seen
