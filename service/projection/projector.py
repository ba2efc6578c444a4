"""The projector: follows Temporal's visibility and writes what it sees into the tables of runs.

It is no part of the runs and adds no event to them. Tenants are shared out by shards among the processes that are there, by
advisory locks; another process takes over when a session ends. Everything that it writes is an upsert, so reading the same
interval twice does no harm: visibility lists a run some time after it happened, so each round looks back a little. A list costs
Temporal half a millisecond per run and a count next to nothing, so what was listed is counted, and listed again where the count
differs.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from temporalio.api.workflow.v1 import WorkflowExecutionInfo
from temporalio.client import Client

from runtime.platform.postgres import Database
from service.background_loops import BackgroundLoop, first_error
from service.execution_store import ExecutionStore
from service.projection.problem_search import ProblemSearch, WorkerQuestions
from service.projection.repair import Repair
from service.projection.row_builder import RowBuilder
from service.projection.shard_locks import LOCK_NUMBER, ShardLocks, shard_of
from service.projection.state import ProjectionState
from service.projection.visibility import ClosedRuns, OpenRuns, Visibility, close_time, stamp
from service.projection.writer import RunWriter
from service.row_observers import RowObservers
from service.run_archive import RunArchive
from service.run_reader import TemporalRuns
from service.templates import TemplateStore

__all__ = ["Projector"]

POLL_SECONDS: Final = 0.4
"""Seconds between two queries: what happened is in the tables within a second."""
LOOK_BACK: Final = timedelta(seconds=2)
"""How far each round looks back. Visibility of the dev server lags by milliseconds, of a cluster by a second or so."""
OVERLAP: Final = timedelta(milliseconds=50)
"""What each list has in common with the one before: runs that close at the same moment may be listed one after the other."""
MIN_AGE: Final = timedelta(milliseconds=400)
"""A younger run is left to the next query: most have ended by then, and are written once."""
SAVE_SECONDS: Final = 10.0
"""Seconds between two savings of the position; a new process reads again what came after it."""
BATCH_ROWS: Final = 200
"""Runs per page of a query, which are written together."""
STANDBY_SECONDS: Final = 1.0


class Projector:
    """Writes runs into Postgres. `run` follows, `repair` finds what following missed; both go on until cancelled.

    Args:
        client: of Temporal.
        database: where the tables are.
        lock_url: address of the same database: the locks are held by a session of its own.
        archive: makes what closed runs leave; None: nothing but their rows.
        pace: seconds between two queries.
        lock: the number of the advisory locks.
        workers: asked who polls; None: no run is without workers.
        observers: shown what is written.
    """

    def __init__(
        self, client: Client, database: Database, lock_url: str, *, archive: RunArchive | None = None,
        pace: float = POLL_SECONDS, lock: int = LOCK_NUMBER, workers: WorkerQuestions | None = None,
        observers: RowObservers | None = None,
    ) -> None:  # fmt: skip
        self._locks = ShardLocks(lock_url, lock)
        self._pace = pace
        self._visibility = Visibility(client)
        self._closed, self._open = ClosedRuns(), OpenRuns()
        self._state = ProjectionState(database)
        runs = TemporalRuns(client)
        store = ExecutionStore(database)
        ends = archive.ends if archive else None
        builder = RowBuilder(runs, TemplateStore(database), archive, ends)
        self.writer = RunWriter(client, store, builder, self.owns, ends, observers)
        self.problems = ProblemSearch(client, store, self._state, self.writer, lambda: self.shards, workers)
        self._repair = Repair(
            client, store, self._state, self.writer, self._visibility, self._closed, self.problems, lambda: self.shards
        )
        self._position = datetime.now(UTC)
        self._opened_until = self._reopened_at = self._position
        self.lag_seconds = 0.0
        """Of the runs that were written last: from the end of the first of them to its row."""

    @property
    def shards(self) -> frozenset[int]:
        """The shards that this process projects; none while it stands by."""
        return self._locks.held

    @property
    def active(self) -> bool:
        """Whether this process projects anything."""
        return bool(self.shards)

    @property
    def unwritable(self) -> int:
        """Runs of which not even a bare row could be written, since the process began."""
        return self.writer.unwritable

    def owns(self, tenant: str) -> bool:
        """Return whether this process projects a tenant."""
        return shard_of(tenant) in self.shards

    async def run(self, loop: BackgroundLoop) -> None:
        """Get shards, then query, write and pause, until cancelled.

        Raises:
            LockLost: the session of the locks is gone; whatever was in flight is cancelled.
            RPCError, DatabaseUnavailable: a server is away.
        """
        while True:
            loop.standby = True
            async with self._locks.session() as may_join:
                if may_join:
                    await self._locks.balance()
                    await first_error(self._locks.keep(), self._follow(loop))
            loop.complete_round()
            await asyncio.sleep(STANDBY_SECONDS)

    async def repair(self, loop: BackgroundLoop) -> None:
        """Look for what following missed, until cancelled. Raise as `run`."""
        await self._repair.run(loop)

    async def _follow(self, loop: BackgroundLoop) -> None:
        clock = asyncio.get_running_loop().time
        followed: frozenset[int] = frozenset()
        next_save = clock() + SAVE_SECONDS
        while True:
            shards = self.shards
            if shards - followed:
                await self._begin(shards)
            followed = shards
            loop.standby = not shards
            if shards:
                await self.look()
                if clock() >= next_save:
                    next_save = clock() + SAVE_SECONDS
                    await self._state.save_position(shards, self._position)
            loop.complete_round()
            await asyncio.sleep(self._pace)

    async def _begin(self, shards: frozenset[int]) -> None:
        """Go back to where these shards were followed to: what was listed for others is not written."""
        self._closed.clear()
        self._open.clear()
        self._position = await self._state.position(shards)
        self._opened_until = datetime.now(UTC) - 2 * LOOK_BACK
        self._repair.begin(self._position)

    async def look(self, since: datetime | None = None) -> None:
        """Write every run that ended after the position or began a moment ago; move the position to the last end.

        Raises:
            RPCError, DatabaseUnavailable: a server is away; the position stays.
        """
        newest, oldest_left = self._position, datetime.max.replace(tzinfo=UTC)
        begin = await self._unlisted_from() if since is None else since - LOOK_BACK
        async for page in self._visibility.pages(f"CloseTime >= '{stamp(begin)}'", BATCH_ROWS):
            unseen = [each for each in page if each not in self._closed]
            left = await self.writer.write_listed(unseen, may_leave=True)
            written = [each for each in unseen if each.execution.run_id not in left]
            for each in written:
                self._closed.add(each)
            if written:
                self.lag_seconds = (datetime.now(UTC) - min(map(close_time, written))).total_seconds()
            newest = max([newest, *map(close_time, page)])
            oldest_left = min([oldest_left, *(close_time(each) for each in unseen if each.execution.run_id in left)])
        self._position = min(newest, oldest_left)
        await self._look_for_open()

    async def _unlisted_from(self) -> datetime:
        """Return from which close time on runs are to be listed: a little before the position where Temporal counts as many
        before that as were listed.
        """
        begin, end = self._position - LOOK_BACK, self._position - OVERLAP
        listed = self._closed.count_between(begin, end)
        counted = await self._visibility.count(f"CloseTime >= '{stamp(begin)}' AND CloseTime < '{stamp(end)}'")
        return end if counted == listed else begin

    async def _look_for_open(self) -> None:
        until = datetime.now(UTC) - MIN_AGE
        begin = self._opened_until - OVERLAP
        if until - self._reopened_at >= LOOK_BACK:  # now and then, what was listed late
            begin, self._reopened_at = begin - 2 * LOOK_BACK, until
        query = f"ExecutionStatus = 'Running' AND StartTime >= '{stamp(begin)}' AND StartTime < '{stamp(until)}'"
        async for page in self._visibility.pages(query, BATCH_ROWS):
            unseen: Sequence[WorkflowExecutionInfo] = [each for each in page if each not in self._open]
            await self.writer.write_listed(unseen)
            for each in unseen:
                self._open.add(each)
        self._opened_until = until
