"""A loop of 100,000 rounds as a durable run, with a request every 100th, beside one of 10,000: time and memory of its worker."""

import json
import os
import resource
import sys
import time
import uuid
from typing import Any, Final

from bench.exports import START, rounds
from bench.webhook import state_folder
from cli.testing.case import plan_of
from cli.testing.temporal import CaseTemplates
from runtime.contract import HttpResponse
from runtime.hosts.local.offline import OfflineCapabilities
from runtime.hosts.temporal.worker import build_worker
from runtime.platform.embedded import EmbeddedProfile
from runtime.platform.keys import keyring
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from runtime.platform.storage.blobs import BlobStore
from runtime.platform.temporal import connect, data_converter
from schemas import names
from schemas.run import TASK_TIMEOUT, RunResult, StartInput
from service.tenants import TenantStore

COUNTS: Final = tuple(int(each) for each in os.environ.get("BENCH_ROUNDS", "10000,100000").split(","))
EVERY: Final = 100


class _World(OfflineCapabilities):
    def __init__(self) -> None:
        super().__init__(http=self)

    async def request(self, method: str, url: str, **options: Any) -> HttpResponse:
        """Any request is answered with its own URL."""
        del method, options
        headers = [("content-type", "application/json")]
        return HttpResponse(200, "OK", headers, json.dumps({"asked": url}).encode(), url)


async def measure() -> list[dict[str, Any]]:
    """Seconds, steps, and by how much the worker grew, per count of rounds; the last row has the ratio to the first."""
    with state_folder() as folder:
        async with EmbeddedProfile(Settings.load({"TEMPOR8_STATE": folder}), any_ports=True, ui=False) as profile:
            settings = profile.settings()
            assert settings.database_url is not None
            async with Database(settings.database_url.get_secret_value(), size=2, keys=keyring(settings)) as database:
                keys = keyring(settings)
                await TenantStore(database, keys).create("bench")
                client = await connect(settings, data_converter(settings, keys, BlobStore(database, keys)))
                async with build_worker(client, _World(), CaseTemplates(), "long"):
                    rows = [await _measured(client, count) for count in (1000, *COUNTS)]  # the first one warms up
    rows[-1]["times_the_first"] = round(rows[-1]["seconds"] / rows[1]["seconds"], 2)
    return rows[1:]


async def _measured(client: Any, count: int) -> dict[str, Any]:
    plan = plan_of(rounds(count, EVERY, START))
    id_ = names.workflow_id("bench", "long", str(uuid.uuid4()))
    given = StartInput(plan=plan, tenant="bench", template="long", execution_id=id_, items=[{"json": {}}])
    began, before = time.perf_counter(), megabytes()
    done = await client.execute_workflow(
        "long", given.model_dump(mode="json"), id=id_, task_queue="long", task_timeout=TASK_TIMEOUT, result_type=dict
    )
    seconds = time.perf_counter() - began
    journal = RunResult.model_validate(done).journal
    return {
        "rounds": count, "steps": journal.count, "steps_kept": len(journal.steps), "seconds": round(seconds, 1),
        "worker_grew_mb": megabytes() - before,
    }  # fmt: skip


def megabytes() -> int:
    """The most that this process ever held: ru_maxrss is in KiB, on macOS in bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most // (1024 * 1024 if sys.platform == "darwin" else 1024)
