"""Tasks that end their workers: who held the event loop, what must not be tried again, and what is tried with care.

| task | a death is noted | the next attempt |
|---|---|---|
| step, local step | by the watchdog, when the step holds the loop | reads the note |
| step | by the last heartbeat, see `heartbeats` | begins alone among such steps |
| local step | before it begins, where its run was taken up from the history | begins alone |
| workflow task | likewise | the run ends by a signal |

Other steps die with the worker, too. Those that may be guilty begin one at a time, so that only the guilty one is counted.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Protocol

from temporalio import activity

from runtime.hosts.temporal.suspect_window import SuspectWindow, WorkerDied
from runtime.platform.postgres import DatabaseUnavailable
from runtime.platform.telemetry.logging import get_logger
from schemas.task import Task

__all__ = ["Deaths", "TaskGuard"]

log = get_logger("tempor8.worker")

MAX_RESUMED: Final = 10_000
"""Runs that are remembered as taken up from their history, until their next workflow task; some end without one."""
TASK_SECONDS: Final = 5.0
"""Seconds for which a workflow task is alone at most: the server has given its first attempt up by then, and it stays counted."""


class Deaths(Protocol):
    """The notes; see `service.task_deaths`."""

    async def begin(self, tenant: str, workflow_id: str, task: str, *, first: int) -> int:
        """Count an attempt as a death until `end`; return how many there were before."""

    async def end(self, tenant: str, workflow_id: str, task: str) -> None:
        """Forget a task."""

    async def count(self, tenant: str, workflow_id: str, task: str) -> int:
        """Return how many deaths are noted."""

    def note(self, tenant: str, workflow_id: str, task: str) -> None:
        """Note a death; blocking."""


@dataclass(frozen=True)
class _Step:
    tenant: str
    workflow_id: str
    task: str
    node: str

    @property
    def key(self) -> tuple[str, str, str]:
        return self.tenant, self.workflow_id, self.task


class TaskGuard:
    """The tasks of one worker.

    Args:
        deaths: the notes; None: nothing is noted and nothing is known of earlier attempts.
        limit: workers that one task may end before it fails.
    """

    def __init__(self, deaths: Deaths | None, limit: int) -> None:
        self._deaths, self.limit = deaths, limit
        self._running: dict[asyncio.Task[Any] | None, _Step] = {}
        self._resumed: dict[str, None] = {}
        self._tasks: dict[str, SuspectWindow] = {}
        """Workflow tasks that are counted now."""

    def resume(self, run_id: str) -> None:
        """Note that this worker has taken up a run from its history: another worker may have died of it. Its next task counts as
        one in which that has happened once.
        """
        self._resumed[run_id] = None
        if len(self._resumed) > MAX_RESUMED:
            self._resumed.pop(next(iter(self._resumed)), None)

    def settle(self, run_id: str) -> None:
        """Forget that a run was taken up: its history has what this worker has done since."""
        self._resumed.pop(run_id, None)

    @contextlib.asynccontextmanager
    async def step(self, task: Task) -> AsyncIterator[None]:
        """Hold the running activity's step while the body does it. Raises WorkerDied instead when it has ended too many workers."""
        info = activity.info()
        meta = task["meta"]
        step = _Step(
            meta["tenant"], info.workflow_id or "", f"{info.workflow_run_id}/{info.activity_id}", task["step"]["name"]
        )
        current = asyncio.current_task()
        self._running[current] = step
        try:
            async with self._known(step, info):
                yield
        finally:
            self._running.pop(current, None)

    async def begin(self, tenant: str, workflow_id: str, task: str) -> int:
        """Count a workflow task as a death until `end`; return how many there were before. It waits until it is alone.

        Raises:
            DatabaseUnavailable: it is not counted.
        """
        if self._deaths is None:
            return 0
        alone = await SuspectWindow(workflow_id, seconds=TASK_SECONDS).__aenter__()
        try:
            before = await self._deaths.begin(tenant, workflow_id, task, first=1)
        except BaseException:
            await alone.__aexit__(None, None, None)
            raise
        self._tasks[task] = alone
        return before

    async def end(self, tenant: str, workflow_id: str, task: str) -> None:
        """Forget a task; a row that cannot be deleted now is old in a week."""
        await self.release(task)
        if self._deaths is not None:
            with contextlib.suppress(DatabaseUnavailable):
                await self._deaths.end(tenant, workflow_id, task)

    async def release(self, task: str) -> None:
        """Let others be alone; what is counted of the task stays."""
        if (alone := self._tasks.pop(task, None)) is not None:
            await alone.__aexit__(None, None, None)

    def report(self, holder: asyncio.Task[Any] | None) -> Mapping[str, Any]:
        """Note a death for the step whose asyncio task holds the event loop, from the watchdog's thread. Return whose it is, for the
        log; where the task is of no step, every step that runs.
        """
        step = self._running.get(holder)
        if step is None:
            return {"running": [asdict(each) for each in list(self._running.values())]}
        noted = False
        if self._deaths is not None:
            try:
                self._deaths.note(*step.key)
                noted = True
            except Exception as error:  # noqa: BLE001 - the process ends, whatever the database says
                return asdict(step) | {"noted": noted, "error": type(error).__name__}
        return asdict(step) | {"noted": noted}

    @contextlib.asynccontextmanager
    async def _known(self, step: _Step, info: activity.Info) -> AsyncIterator[None]:
        """Run the body with regard to earlier attempts."""
        if self._deaths is None:
            yield
        elif info.is_local:
            if info.workflow_run_id not in self._resumed:
                yield
                return
            async with self._alone(self._deaths, step):
                yield
        elif info.attempt == 1:
            yield
        else:
            deaths = await self._deaths.count(*step.key)
            if deaths >= self.limit:
                await self._deaths.end(*step.key)
                raise WorkerDied(deaths)
            yield
            if deaths:
                await self._deaths.end(*step.key)

    @contextlib.asynccontextmanager
    async def _alone(self, deaths: Deaths, step: _Step) -> AsyncIterator[None]:
        """Count the attempt as a death until it has lived for a while."""
        async with SuspectWindow(step.workflow_id, lambda: self.end(*step.key)):
            before = await deaths.begin(*step.key, first=1)
            if before >= self.limit:
                raise WorkerDied(before)
            yield
