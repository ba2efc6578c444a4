"""A run of ten inline nodes as a durable workflow, beside one written by hand that does the same in Python.

Both run on the same Temporal server, each with a worker process of its own, taking turns run by run.
"""

import asyncio
import os
import statistics
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, Final

from temporalio.client import Client

from bench.exports import ten_sets
from bench.handwritten import QUEUE, TenSets
from bench.webhook import processes, state_folder
from cli.testing.case import plan_of
from runtime.platform.embedded import EmbeddedProfile
from runtime.platform.keys import keyring
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from runtime.platform.storage.blobs import BlobStore
from runtime.platform.temporal import connect, data_converter
from schemas import names
from schemas.run import TASK_TIMEOUT, StartInput
from service.tenants import TenantStore

RUNS: Final = int(os.environ.get("BENCH_RUNS", "100"))
ITEM: Final = {"n": 1, "name": "Ada"}


async def measure() -> dict[str, Any]:
    """History length of a run of ours, the median time of both, and their ratio."""
    with state_folder() as folder:
        async with EmbeddedProfile(Settings.load({"TEMPOR8_STATE": folder}), any_ports=True, ui=False) as profile:
            settings = profile.settings()
            environment = {**os.environ, **profile.environment(), "TEMPOR8_LOG_LEVEL": "warning"}
            commands = {"ours": ["cli.main", "worker"], "theirs": ["bench.handwritten", "worker"]}
            assert settings.database_url is not None
            async with Database(settings.database_url.get_secret_value(), size=2, keys=keyring(settings)) as database:
                keys = keyring(settings)
                await TenantStore(database, keys).create("bench")
                ours = await connect(settings, data_converter(settings, keys, BlobStore(database, keys)))
                theirs = await Client.connect(settings.temporal_address or "")
                with processes(commands, environment):
                    return await _turns(ours, theirs, settings.task_queue)


async def _turns(ours: Client, theirs: Client, queue: str) -> dict[str, Any]:
    plan = plan_of(ten_sets(1))
    last = ""

    async def one() -> None:
        nonlocal last
        last = names.workflow_id("bench", "ten", str(uuid.uuid4()))
        given = StartInput(plan=plan, tenant="bench", template="ten", execution_id=last, items=[{"json": ITEM}])
        await ours.execute_workflow(
            "ten", given.model_dump(mode="json"), id=last, task_queue=queue, task_timeout=TASK_TIMEOUT, result_type=dict
        )

    async def other() -> None:
        await theirs.execute_workflow(TenSets.run, ITEM, id=str(uuid.uuid4()), task_queue=QUEUE)

    spent: dict[str, list[float]] = {"tempor8": [], "handwritten": []}
    for turn in range(RUNS + 10):
        for name, run in (("tempor8", one), ("handwritten", other)):
            took = await _timed(run)
            if turn >= 10:  # the first ones warm up
                spent[name].append(took)
    events = [event async for event in ours.get_workflow_handle(last).fetch_history_events()]
    p50 = {name: statistics.median(values) for name, values in spent.items()}
    return {
        "history_events": len(events),
        "p50_ms": {name: round(value, 2) for name, value in p50.items()},
        "times_handwritten": round(p50["tempor8"] / p50["handwritten"], 2),
    }


async def _timed(run: Callable[[], Awaitable[None]]) -> float:
    before = time.perf_counter()
    await run()
    return (time.perf_counter() - before) * 1000


if __name__ == "__main__":
    print(asyncio.run(measure()))
