"""From the end of one request to the begin of the next in a run of twenty HTTP steps, beside a workflow written by hand.

The server that they ask answers at once and notes when; both runs take turns on the same Temporal server.
"""

import asyncio
import os
import time
import uuid
from collections import defaultdict
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

from temporalio.client import Client

from bench.exports import START, Export, chain, node
from bench.handwritten import QUEUE, Requests
from bench.quantiles import quantiles
from bench.webhook import processes, state_folder
from cli.testing.case import plan_of
from runtime.platform.embedded import EmbeddedProfile
from runtime.platform.keys import keyring
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from runtime.platform.storage.blobs import BlobStore
from runtime.platform.temporal import connect, data_converter
from schemas import names
from schemas.run import PAYLOAD_LIMIT, TASK_TIMEOUT, StartInput
from service.tenants import TenantStore

RUNS: Final = int(os.environ.get("BENCH_RUNS", "15"))
STEPS: Final = 20
WARM: Final = 3
"""Runs of each before those that count."""
ANSWER: Final = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"ok":true}'


class _Server:
    """Answers every request at once; by path, when each came in and when its answer went out."""

    def __init__(self) -> None:
        self.times: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                came = time.perf_counter()
                writer.write(ANSWER)
                await writer.drain()
                self.times[head.split(b" ")[1].decode()].append((came, time.perf_counter()))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def gaps(self, path: str) -> list[float]:
        """Milliseconds between each answer and the next request."""
        return [(after[0] - before[1]) * 1000 for before, after in pairwise(self.times[path])]


async def measure() -> dict[str, Any]:
    """Quantiles of the gap of both."""
    server = _Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    with state_folder() as folder:
        async with EmbeddedProfile(Settings.load({"TEMPOR8_STATE": folder}), any_ports=True, ui=False) as profile:
            settings = profile.settings()
            own = {"TEMPOR8_LOG_LEVEL": "warning", "TEMPOR8_EGRESS_ALLOW": "127.0.0.1"}
            commands = {"ours": ["cli.main", "worker"], "theirs": ["bench.handwritten", "worker"]}
            assert settings.database_url is not None
            async with Database(settings.database_url.get_secret_value(), size=2, keys=keyring(settings)) as database:
                keys = keyring(settings)
                await TenantStore(database, keys).create("bench")
                ours = await connect(settings, data_converter(settings, keys, BlobStore(database, keys)))
                theirs = await Client.connect(settings.temporal_address or "")
                with processes(commands, {**os.environ, **profile.environment(), **own}):
                    gaps = await _turns(server, url, ours, theirs, settings.task_queue)
    listening.close()
    return {
        "steps": STEPS,
        "gap_ms": {name: quantiles(values, (0.5, 0.75, 0.95)) for name, values in gaps.items()},
        "load_average": os.getloadavg()[0],
    }


async def _turns(server: _Server, url: str, ours: Client, theirs: Client, queue: str) -> Mapping[str, list[float]]:
    gaps: dict[str, list[float]] = {"tempor8": [], "handwritten": []}
    for turn in range(WARM + RUNS):
        path = f"/{uuid.uuid4()}"
        id_ = names.workflow_id("bench", "steps", path[1:])
        given = StartInput(
            plan=plan_of(_requests(url + path)), tenant="bench", template="steps", execution_id=id_,
            items=[{"json": {}}], payload_limit=PAYLOAD_LIMIT,
        )  # fmt: skip
        await ours.execute_workflow(
            "steps", given.to_json(), id=id_, task_queue=queue, task_timeout=TASK_TIMEOUT, result_type=dict
        )
        other = f"/{uuid.uuid4()}"
        await theirs.execute_workflow(Requests.run, args=[url + other, STEPS], id=str(uuid.uuid4()), task_queue=QUEUE)
        if turn >= WARM:
            gaps["tempor8"] += server.gaps(path)
            gaps["handwritten"] += server.gaps(other)
    return gaps


def _requests(url: str) -> Export:
    steps = [
        node(f"Get{place}", "httpRequest", 4.2, {"url": url, "options": {}}, 200 * place) for place in range(STEPS)
    ]
    return chain(START, *steps)
