"""Find what following Temporal's lists missed: runs listed late, runs that are gone, stuck runs, runs to read again.

Nothing here costs more with the number of tenants: each part is one paged query of Temporal and one of Postgres.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from temporalio.api.workflow.v1 import WorkflowExecutionInfo
from temporalio.client import Client

from runtime.platform.telemetry.logging import get_logger
from schemas import names
from service.background_loops import BackgroundLoop, first_error
from service.execution_store import ExecutionStore
from service.projection.problem_search import ProblemSearch
from service.projection.row_builder import forgotten_row
from service.projection.state import DueRun, OpenRun, ProjectionState
from service.projection.visibility import ClosedRuns, Visibility, stamp
from service.projection.writer import RunWriter
from service.run_reader import TemporalRuns

__all__ = ["Repair"]

log = get_logger("tempor8.projector")

STANDBY_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 2.0
PROBLEM_SECONDS: Final = 5.0
WORKERS_SECONDS: Final = 15.0
MINUTES_SECONDS: Final = 30.0
OPEN_SECONDS: Final = 60.0
"""Pauses between two rounds of each part; a part that took long pauses for four times as long as it took."""
WINDOW_MINUTES: Final = 15
"""How long ago a run may have ended that visibility lists late."""
UNSEEN_FOR: Final = timedelta(minutes=5)
"""A run that its row calls open and Temporal does not list is described when its row is as old as this: a transient run is in no
list, and its row is written again each minute."""
MIN_OPEN_AGE: Final = timedelta(seconds=10)
"""A younger run is left to the projector that follows."""
PAGE_RUNS: Final = 1_000
BATCH_RUNS: Final = 200
PAGE_PAUSE_SECONDS: Final = 0.05
"""Between two pages, so that following goes on beside."""
DUE_RUNS: Final = 50
MAX_CONCURRENT_DESCRIPTIONS: Final = 8
NOTHING: Final = (b"", b'""', b"null")
"""A search attribute without a value."""


class Repair:
    """Rounds of repair over the shards of this process."""

    def __init__(
        self, client: Client, store: ExecutionStore, state: ProjectionState, writer: RunWriter, visibility: Visibility,
        closed: ClosedRuns, problems: ProblemSearch, shards: Callable[[], frozenset[int]],
    ) -> None:  # fmt: skip
        self._client, self._store, self._state, self._writer = client, store, state, writer
        self._visibility, self._closed, self._shards = visibility, closed, shards
        self._runs = TemporalRuns(client)
        self._descriptions = asyncio.Semaphore(MAX_CONCURRENT_DESCRIPTIONS)
        self._first_minute = 0
        self._parts: tuple[tuple[Callable[[], Awaitable[None]], float], ...] = (
            (self.read_again, RETRY_SECONDS),
            (problems.find_failing, PROBLEM_SECONDS),
            (problems.find_without_workers, WORKERS_SECONDS),
            (problems.find_tried_again, PROBLEM_SECONDS),
            (self.find_late, MINUTES_SECONDS),
            (self.find_gone, OPEN_SECONDS),
        )

    def begin(self, position: datetime) -> None:
        """Begin anew at a position: the minutes before it were listed by somebody else."""
        self._first_minute = int(position.timestamp()) // 60 + 1

    async def run(self, loop: BackgroundLoop) -> None:
        """Do each part again and again beside the others, until cancelled. Raise RPCError, DatabaseUnavailable: a server is away."""
        await first_error(*(self._repeat(part, pause, loop) for part, pause in self._parts))

    async def _repeat(self, part: Callable[[], Awaitable[None]], pause: float, loop: BackgroundLoop) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            loop.standby, took = not self._shards(), 0.0
            if not loop.standby:
                began = clock()
                await part()
                took = clock() - began
            loop.complete_round()
            await asyncio.sleep(STANDBY_SECONDS if loop.standby else max(pause, 4 * took))

    # --- runs that visibility listed late ------------------------------------------------------------------------------

    async def find_late(self) -> None:
        """List each minute again in which Temporal counts more closed runs than were listed."""
        now = int(datetime.now(UTC).timestamp()) // 60
        first = max(self._first_minute, now - WINDOW_MINUTES)
        self._closed.forget_before(first - 1)
        for minute in range(first, now):
            query = _minute_query(minute)
            if await self._visibility.count(query) == self._closed.count(minute):
                continue
            async for page in self._visibility.pages(query, BATCH_RUNS):
                unseen = [each for each in page if each not in self._closed]
                await self._writer.write_listed(unseen)
                for each in unseen:
                    self._closed.add(each)

    # --- open runs -----------------------------------------------------------------------------------------------------

    async def find_gone(self) -> None:
        """Compare the runs that rows call open with Temporal's list of open runs: write those that either side lacks."""
        stored = {
            hash((run.id, run.run_id, run.planned))
            async for page in self._state.open_runs(self._shards(), timedelta(0))
            for run in page
        }
        listed: set[int] = set()
        before = datetime.now(UTC) - MIN_OPEN_AGE
        async for infos in self._visibility.pages(
            f"ExecutionStatus = 'Running' AND StartTime < '{stamp(before)}'", PAGE_RUNS
        ):
            listed.update(hash(each.execution.workflow_id) for each in infos)
            unknown = [each for each in infos if _stored_key(each) not in stored and self._is_ours(each)]
            for start in range(0, len(unknown), BATCH_RUNS):
                await self._writer.write_listed(unknown[start : start + BATCH_RUNS])
            await asyncio.sleep(PAGE_PAUSE_SECONDS)
        async for page in self._state.open_runs(self._shards(), UNSEEN_FOR):
            await asyncio.gather(*(self._describe(run) for run in page if hash(run.id) not in listed))

    def _is_ours(self, info: WorkflowExecutionInfo) -> bool:
        id_ = info.execution.workflow_id
        return ":" in id_ and self._writer.projects(names.tenant_of(id_))

    async def _describe(self, open_: OpenRun) -> None:
        async with self._descriptions:
            run = await self._runs.describe(open_.id)
            if run is not None:
                await self._writer.write([(run, 0)])
            elif row := await self._store.get(open_.tenant, open_.id):
                await self._writer.write_rows([forgotten_row(row)])

    # --- runs to read again --------------------------------------------------------------------------------------------

    async def read_again(self) -> None:
        """Read runs that were set aside, and ask for the steps of runs that were closed from outside."""
        due = await self._state.due(self._shards(), DUE_RUNS)
        await self._state.postpone(due)
        await asyncio.gather(*(self._read(each) for each in due))

    async def _read(self, due: DueRun) -> None:
        async with self._descriptions:
            run = await self._runs.describe(due.id)
            if run is None or run.run_id != due.run_id:
                await self._state.drop_retry(due)
            else:
                await self._writer.write([(run, due.attempts)])


def _stored_key(info: WorkflowExecutionInfo) -> int:
    plan_hash = info.search_attributes.indexed_fields.get(names.PLAN_HASH)
    planned = plan_hash is not None and plan_hash.data not in NOTHING
    return hash((info.execution.workflow_id, info.execution.run_id, planned))


def _minute_query(minute: int) -> str:
    begin = datetime.fromtimestamp(minute * 60, UTC)
    return f"CloseTime >= '{stamp(begin)}' AND CloseTime < '{stamp(begin + timedelta(minutes=1))}'"
