"""What the walls cost, on and off side by side in one run, taking turns: whole runs, requests of steps, payloads, patterns. And what they
are for: a tenant's runs beside every hostile input of another (`on`), and alone (`off`).
"""

import asyncio
import os
import re
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import httpx
from temporalio.api.common.v1 import Payload
from temporalio.converter import WorkflowSerializationContext

from bench import hostile
from bench.open_service import OPEN
from bench.steps import ANSWER
from bench.webhook import SECONDS, _publish, _up, load, processes, state_folder
from runtime.http.credential_hosts import binding
from runtime.platform.codec import SealingCodec
from runtime.platform.egress_clients import EgressClients
from runtime.platform.egress_transport import GUARD
from runtime.platform.embedded import EmbeddedProfile
from runtime.platform.embedded.process import free_port
from runtime.platform.keys import Keyring, keyring
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from runtime.values.patterns import compile_pattern

ROUNDS: Final = 5
TIMES: Final = 300
PATTERN: Final = r"^[a-z0-9._%+-]+@[a-z0-9.-]+\.[a-z]{2,}$"
HOOK: Final = "/webhook/bench/bench"

Work = Callable[[], Awaitable[object]]


async def measure() -> list[dict[str, Any]]:
    """Every row: medians with the walls and without, and how many times as much the walls make of it."""
    with state_folder() as folder:
        settings = Settings.load({"TEMPOR8_STATE": folder})
        async with EmbeddedProfile(settings, any_ports=True, ui=False) as profile:
            own = profile.settings()
            await _publish(own)
            assert own.database_url is not None
            keys = keyring(own)
            async with Database(own.database_url.get_secret_value(), size=2, keys=keys):
                rows = [await _requests(), await _payloads(keys), await _patterns()]
            rows = [*await _runs(profile.environment()), *rows]
    return [*rows, await hostile.measure()]


async def _runs(environment: Mapping[str, str]) -> list[dict[str, Any]]:
    """Webhook -> five Set -> If -> Respond, one caller and ten."""
    ports = {"on": free_port(0), "off": free_port(0)}
    base = {**os.environ, **environment, "TEMPOR8_LOG_LEVEL": "warning"}
    entry = {"on": "cli.main", "off": "bench.open_service"}
    queue = {"on": "bench-on", "off": "bench-off"}
    found: dict[str, dict[str, list[float]]] = {"alone": {"on": [], "off": []}, "busy": {"on": [], "off": []}}

    def own(side: str) -> dict[str, str]:
        return {
            **base,
            **(OPEN if side == "off" else {}),
            "TEMPOR8_PORT": str(ports[side]),
            "TEMPOR8_TASK_QUEUE": queue[side],
        }

    def commands(side: str) -> dict[str, list[str]]:
        return {"worker": [entry[side], "worker"], "api": [entry[side], "serve"]}

    with processes(commands("on"), own("on")), processes(commands("off"), own("off")):
        for port in ports.values():
            await _up(port)
            await load(port, HOOK, 2, SECONDS / 2)  # warm
        for _ in range(ROUNDS):
            for side, port in ports.items():
                found["alone"][side] += await load(port, HOOK, 1, SECONDS / 2)
                found["busy"][side].append(len(await load(port, HOOK, 10, SECONDS)) / SECONDS)
    alone = {side: statistics.median(values) * 1000 for side, values in found["alone"].items()}
    busy = {side: 1000 / statistics.median(values) for side, values in found["busy"].items()}
    return [_row("run, one caller", "ms", alone), _row("run, ten callers, per run", "ms", busy)]


async def _requests() -> dict[str, Any]:
    """A request of a step with a credential: the address checked, the connection pinned, the credential's hosts compared."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    clients = EgressClients(["127.0.0.0/8"])
    bound = binding("bench", "httpBearerAuth", "b", {}, [url.removeprefix("http://").rstrip("/")])

    async def on() -> None:
        async with clients.use("bench", ()) as client:
            request = client.build_request("GET", url)
            request.extensions[GUARD] = bound.check
            await client.send(request)

    async with httpx.AsyncClient(trust_env=False) as plain:
        row = _row("request of a step", "ms", await _turns({"on": on, "off": lambda: plain.get(url)}))
    await clients.close()
    server.close()
    return row


async def _payloads(keys: Keyring) -> dict[str, Any]:
    """10 kB to Temporal and back: sealed with the tenant's key, bound to the run."""
    codec: Any = SealingCodec(keys, share_from=1 << 20).with_context(
        WorkflowSerializationContext("default", "bench:t:run")
    )
    payload = Payload(metadata={"encoding": b"json/plain"}, data=b"x" * 10_000)

    async def on() -> None:
        await codec.decode(await codec.encode([payload]))

    async def off() -> None:
        Payload.FromString(payload.SerializeToString())

    return _row("payload of 10 kB", "ms", await _turns({"on": on, "off": off}))


async def _patterns() -> dict[str, Any]:
    """A pattern over 1,000 texts: RE2 and Python's `re`."""
    texts, fast, plain = (
        [f"ada.lovelace{n}@example.com" for n in range(1_000)],
        compile_pattern(PATTERN),
        re.compile(PATTERN),
    )

    async def on() -> None:
        for text in texts:
            fast.test(text)

    async def off() -> None:
        for text in texts:
            plain.search(text)

    return _row("pattern over 1,000 texts", "ms", await _turns({"on": on, "off": off}))


async def _turns(sides: Mapping[str, Work]) -> dict[str, float]:
    """Milliseconds of each side, measured one after the other so that what else the machine does hits both."""
    spent: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(TIMES):
        for side, work in sides.items():
            began = time.perf_counter()
            await work()
            spent[side].append((time.perf_counter() - began) * 1000)
    return {side: statistics.median(values) for side, values in spent.items()}


def _row(name: str, unit: str, found: Mapping[str, float]) -> dict[str, Any]:
    return {
        "row": name,
        "unit": unit,
        "on": round(found["on"], 3),
        "off": round(found["off"], 3),
        "ratio": round(found["on"] / found["off"], 2),
    }
