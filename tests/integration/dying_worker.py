"""A worker process that dies in the middle of a step: `python -m tests.integration.dying_worker <task queue> <folder>`.

The settings come as a pickle on standard input. The lines of the folder's `attempts` say what the next attempts do: `die`,
`stall` (hold the event loop), `raise` (a server is away) or `answer`; each attempt takes the first line. Attempts are: a request
of an HTTP step, code of a Code node (a local step), a No Operation node (workflow code). Those of the tenant `globex` answer.
"""

import asyncio
import os
import pickle
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from cli.testing.temporal import CaseTemplates
from runtime.contract import HttpResponse
from runtime.hosts.local.offline import OfflineCapabilities
from runtime.hosts.temporal.deaths import TaskGuard
from runtime.hosts.temporal.worker import build_worker
from runtime.nodes.no_op import NoOp
from runtime.platform.keys import keyring
from runtime.platform.postgres import Database, DatabaseUnavailable
from runtime.platform.settings import Settings
from runtime.platform.storage.blobs import BlobStore
from runtime.platform.temporal import connect, data_converter
from runtime.platform.watchdog import watched
from service.task_deaths import TaskDeaths

HEARTBEAT_TIMEOUT = timedelta(seconds=4)
"""Of this worker's steps, so that a death is noticed soon, and a machine where a heartbeat is late by seconds is not taken for one."""
WATCHDOG_SECONDS = 6.0
"""Likewise: a worker that has just started loads what its first steps need."""
NOTE_SECONDS = 3.5
"""For which a workflow task waits for its note: a fresh process connects to Postgres first."""


class Deadly(OfflineCapabilities):
    """HTTP and code that do what the file says."""

    def __init__(self, attempts: Path) -> None:
        super().__init__(http=self, code=self)
        self._attempts = attempts

    def attempt(self) -> None:
        """Do what the first line says."""
        first, *rest = self._attempts.read_text(encoding="utf-8").splitlines()
        self._attempts.write_text("\n".join(rest), encoding="utf-8")
        if first == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if first == "stall":
            time.sleep(1000)
        if first == "raise":
            raise DatabaseUnavailable("Postgres is away")

    async def request(self, method: str, url: str, **options: Any) -> HttpResponse:
        """Die, raise or answer."""
        del method, options
        if "globex" not in url:
            self.attempt()
        return HttpResponse(200, "OK", [("content-type", "application/json")], b"{}", url)

    async def run(self, *args: Any, items: Any = None, **options: Any) -> dict[str, Any]:
        """Likewise, for code."""
        del args, options
        if items[0]["json"].get("who") != "globex":
            self.attempt()
        return {"value": {"outcomes": [{"data": [{"json": {}}]}]}, "static_data": None, "custom_data": None, "logs": []}


async def work(settings: Settings, queue: str, attempts: Path) -> None:
    """Work until killed."""
    assert settings.database_url is not None
    keys = keyring(settings)
    async with Database(settings.database_url.get_secret_value(), keys=keys) as database:
        client = await connect(settings, data_converter(settings, keys, BlobStore(database, keys)))
        guard = TaskGuard(TaskDeaths(database, settings.database_url.get_secret_value()), 3)
        world = Deadly(attempts)

        def run(node: NoOp, context: Any, items: Any) -> Any:
            del node, context
            if items[0]["json"].get("who") != "globex":
                world.attempt()
            return [items]

        NoOp.run = run  # type: ignore[assignment,method-assign]
        worker = build_worker(client, world, CaseTemplates(), queue, guard=guard)
        with watched(WATCHDOG_SECONDS, guard.report):
            await worker.run()


if __name__ == "__main__":
    vars(sys.modules["runtime.hosts.temporal.host"])["HEARTBEAT_TIMEOUT"] = HEARTBEAT_TIMEOUT
    vars(sys.modules["runtime.hosts.temporal.guarded_runner"])["NOTE_SECONDS"] = NOTE_SECONDS
    asyncio.run(work(pickle.load(sys.stdin.buffer), sys.argv[1], Path(sys.argv[2], "attempts")))  # noqa: S301
