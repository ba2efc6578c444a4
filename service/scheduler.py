"""Temporal Schedules of published templates: rows in Postgres say which there should be, the scheduler applies them.

A publication writes its rows in its own transaction, so a schedule is never lost between the two servers; applying one
twice does no harm. A row that Temporal refuses keeps Temporal's words and stops no other row.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from temporalio.api.workflowservice.v1 import ListSchedulesRequest
from temporalio.client import (
    Client,
    ScheduleAlreadyRunningError,
    ScheduleHandle,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from runtime.platform.pg_locks import SessionLocks
from runtime.platform.postgres import Database
from runtime.platform.telemetry.logging import get_logger
from service.background_loops import BackgroundLoop
from service.outages import is_unreachable
from service.schedule_spec import Mark, schedule_id, schedule_of
from service.schedule_store import ScheduleRow, ScheduleStore

__all__ = ["Scheduled", "Scheduler", "TemporalSchedules", "lock_name"]

log = get_logger("tempor8.schedules")

POLL_SECONDS: Final = 5.0
"""Seconds between two queries for changes of which no notification came."""
CONCURRENT_TENANTS: Final = 4
"""Tenants whose schedules are applied at the same time."""
ROWS_PER_TURN: Final = 20
"""Rows of a tenant that are applied before it is the next tenant's turn."""
TENANTS_PER_QUERY: Final = 64
MAX_CHANGES: Final = 5
"""How often a row may change while it is applied before it is left to the next round."""
RPC_TIMEOUT: Final = timedelta(seconds=10)
PAGE_SIZE: Final = 1_000
"""Schedules per page of a list."""
APPLY_POLL_SECONDS: Final = 0.05


@dataclass(frozen=True)
class Scheduled:
    """A schedule, whether Temporal has it already, what Temporal said if it has not, and its next times."""

    id: str
    node: str
    spec: dict[str, Any]
    applied: bool
    error: str | None = None
    attempts: int = 0
    next_try: datetime | None = None
    """When it is sent again; None with an error: Temporal refused it for good."""
    next: Sequence[datetime] = ()


class ForeignScheduleError(Exception):
    """The id of a schedule is taken by another installation in the same namespace."""

    def __init__(self, id_: str, installation: str) -> None:
        super().__init__(
            f"schedule {id_} in this namespace belongs to another installation ({installation}); "
            "use a namespace of its own for each"
        )


class TemporalSchedules:
    """The schedules of this installation in Temporal. Methods raise RPCError."""

    def __init__(self, client: Client, store: ScheduleStore, queue_of: Callable[[str], str]) -> None:
        self._client, self._store, self._queue_of = client, store, queue_of
        self._installation: str | None = None

    async def mark(self, tenant: str, row: ScheduleRow) -> Mark:
        """Return the mark of a row's schedule. Raise DatabaseUnavailable."""
        return Mark.of(await self.installation(), row, self._queue_of(tenant))

    async def installation(self) -> str:
        """Return the id of this installation. Raise DatabaseUnavailable."""
        if self._installation is None:
            self._installation = await self._store.installation()
        return self._installation

    async def send(self, tenant: str, row: ScheduleRow) -> None:
        """Create, update or remove the schedule of a row.

        Raises:
            ForeignScheduleError: its id is another installation's.
        """
        id_ = schedule_id(tenant, row)
        if row.spec is None:
            await self.remove(id_)
            return
        mark = await self.mark(tenant, row)
        schedule = schedule_of(tenant, row, self._queue_of(tenant), mark)
        try:
            at_once = row.rule.get("kind") == "poll"  # n8n polls at once when a template is activated
            await self._client.create_schedule(id_, schedule, trigger_immediately=at_once, rpc_timeout=RPC_TIMEOUT)
        except ScheduleAlreadyRunningError:

            def update(current: ScheduleUpdateInput) -> ScheduleUpdate:
                state = current.description.schedule.state
                self._check_owner(id_, Mark.read(state.note), mark.installation)
                schedule.state.paused = state.paused  # an operator's pause outlives a publication
                return ScheduleUpdate(schedule)

            await self._handle(id_).update(update, rpc_timeout=RPC_TIMEOUT)

    async def remove(self, id_: str, *, marked: bool = False) -> bool:
        """Delete a schedule; return False when there is none, or it is another installation's.

        Args:
            id_: in Temporal.
            marked: only one that carries our mark; otherwise one without a mark too, as earlier versions made them.
        """
        try:
            described = await self._handle(id_).describe(rpc_timeout=RPC_TIMEOUT)
            mark = Mark.read(described.schedule.state.note)
            if (mark is None and marked) or (mark and mark.installation != await self.installation()):
                return False
            await self._handle(id_).delete(rpc_timeout=RPC_TIMEOUT)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return False
        return True

    async def marked(self, prefix: str) -> list[str]:
        """Return the ids of this installation's schedules that begin so, as Temporal lists them: some seconds may be missing."""
        installation, ids = await self.installation(), []
        request = ListSchedulesRequest(namespace=self._client.namespace, maximum_page_size=PAGE_SIZE)
        while True:
            page = await self._client.workflow_service.list_schedules(request, retry=True, timeout=RPC_TIMEOUT)
            for each in page.schedules:
                mark = Mark.read(each.info.notes)
                if each.schedule_id.startswith(prefix) and mark and mark.installation == installation:
                    ids.append(each.schedule_id)
            if not page.next_page_token:
                return ids
            request.next_page_token = page.next_page_token

    async def exists(self, id_: str) -> bool:
        """Return whether Temporal has a schedule."""
        try:
            await self._handle(id_).describe(rpc_timeout=RPC_TIMEOUT)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return False
        return True

    async def next_times(self, id_: str) -> Sequence[datetime]:
        """Return the next five times of a schedule; none when there is none."""
        try:
            described = await self._handle(id_).describe(rpc_timeout=RPC_TIMEOUT)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return ()
        return described.info.next_action_times[:5]

    def _handle(self, id_: str) -> ScheduleHandle:
        return self._client.get_schedule_handle(id_)

    @staticmethod
    def _check_owner(id_: str, mark: Mark | None, installation: str) -> None:
        if mark is not None and mark.installation != installation:
            raise ForeignScheduleError(id_, mark.installation)


class Scheduler:
    """Applies changed schedules to Temporal; `run` works until it is cancelled, through outages of both servers.

    Several processes may do so: a lock per tenant gives each tenant to one of them. What a process writes after it has
    lost the lock is corrected by that process itself, which looks at the row again, and at the latest by the reconciler.
    """

    def __init__(self, client: Client, database: Database, queue_of: Callable[[str], str], lock_url: str) -> None:
        self._store = ScheduleStore(database)
        self._temporal = TemporalSchedules(client, self._store, queue_of)
        self._locks = SessionLocks(lock_url)
        self._changed = asyncio.Event()
        self.failures = 0
        """Attempts that Temporal refused or that failed, since the process began."""

    def wake(self) -> None:
        """Apply changes now: something was published."""
        self._changed.set()

    async def run(self, loop: BackgroundLoop) -> None:
        """Apply changes until cancelled."""
        try:
            while True:
                await self.apply(loop)
                loop.complete_round()
                try:
                    await asyncio.wait_for(self._changed.wait(), POLL_SECONDS)
                except TimeoutError:
                    continue
                self._changed.clear()
        finally:
            await self.close()

    async def close(self) -> None:
        """Release every lock."""
        await self._locks.close()

    async def apply(self, loop: BackgroundLoop | None = None) -> None:
        """Apply every change that Temporal does not have yet, a few rows of each tenant in turn.

        Raises:
            DatabaseUnavailable, psycopg.OperationalError, RPCError: a server does not answer; the rest is applied the next
                time.
        """
        slots = asyncio.Semaphore(CONCURRENT_TENANTS)

        async def turn(tenant: str, changed_at: datetime) -> bool:
            async with slots:
                return await self._turn(tenant, changed_at)

        while changed := await self._store.changed_tenants(TENANTS_PER_QUERY):
            results = await asyncio.gather(*(turn(*each) for each in changed), return_exceptions=True)
            for result in results:
                if isinstance(result, BaseException):
                    raise result
            if loop is not None:
                loop.complete_round()
            if not any(results):
                return

    async def _turn(self, tenant: str, changed_at: datetime) -> bool:
        """Apply some rows of a tenant; return False when another process does so."""
        async with self._locks.hold(lock_name(tenant)) as locked:
            if not locked:
                return False
            for row in await self._store.waiting(tenant, ROWS_PER_TURN):
                await self._apply(tenant, row)
            await self._store.finish_turn(tenant, changed_at)
        return True

    async def _apply(self, tenant: str, row: ScheduleRow) -> None:
        """Apply a row until what was sent is what the row says, or it has an error."""
        for _ in range(MAX_CHANGES):
            if await self._send(tenant, row):
                return
            changed = await self._store.row(tenant, row.id)
            if changed is None:  # removed by another process while this one sent it
                await self._temporal.remove(schedule_id(tenant, row))
                return
            row = changed

    async def _send(self, tenant: str, row: ScheduleRow) -> bool:
        """Send a row and note what came of it; return False when the row has changed meanwhile."""
        try:
            await self._temporal.send(tenant, row)
        except RPCError as error:
            if is_unreachable(error):
                raise
            return await self._note(tenant, row, error.message, refused=_is_final(error))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            return await self._note(tenant, row, f"the rule cannot be read: {error!r}", refused=True)
        except ForeignScheduleError as error:
            return await self._note(tenant, row, str(error), refused=False)
        return await self._store.note_applied(tenant, row)

    async def _note(self, tenant: str, row: ScheduleRow, message: str, *, refused: bool) -> bool:
        self.failures += 1
        log.warning(
            "a schedule could not be applied", tenant=tenant, template=row.template, schedule=row.id, node=row.node,
            error=message, final=refused,
        )  # fmt: skip
        if not refused:
            return await self._store.note_error(tenant, row, message)
        await self._temporal.remove(
            schedule_id(tenant, row)
        )  # an earlier rule must not start runs in place of this one
        return await self._store.note_refused(tenant, row, message)

    async def list_schedules(self, tenant: str, key: str) -> list[Scheduled]:
        """Return the schedules of a template, with their next five times where Temporal knows them."""
        return [
            Scheduled(
                row.id,
                row.node,
                row.rule,
                row.spec == row.applied,
                row.error if row.spec != row.applied else None,
                row.attempts,
                row.next_try,
                await self._temporal.next_times(schedule_id(tenant, row)),
            )
            for row in await self._store.of_template(tenant, key)
        ]

    async def wait_applied(self, tenant: str, key: str, seconds: float) -> None:
        """Wait until every schedule of a template is applied or has an error, for so many seconds at most."""
        clock = asyncio.get_running_loop().time
        until = clock() + seconds
        while clock() < until:
            rows = await self._store.of_template(tenant, key)
            if all(row.spec == row.applied or row.error for row in rows):
                return
            await asyncio.sleep(APPLY_POLL_SECONDS)


def lock_name(tenant: str) -> str:
    """Return the name of the lock under which a tenant's schedules are changed in Temporal."""
    return f"schedules of {tenant}"


def _is_final(error: RPCError) -> bool:
    """Return whether the same schedule would be refused again. Missing search attributes are the namespace's fault."""
    return error.status is RPCStatusCode.INVALID_ARGUMENT and "search attribute" not in error.message.lower()
