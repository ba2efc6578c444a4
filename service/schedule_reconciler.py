"""Compares Temporal's schedules with the rows: lost ones are made again, those without a row removed, others updated.

The two drift apart when one server is restored from a backup, the namespace changes, or a process that had stopped for a
while writes after another one.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from temporalio.api.workflowservice.v1 import ListSchedulesRequest
from temporalio.client import Client

from runtime.platform.pg_locks import SessionLocks
from runtime.platform.postgres import Database
from runtime.platform.telemetry.logging import get_logger
from schemas.names import tenant_of
from service.background_loops import BackgroundLoop
from service.schedule_spec import Mark, schedule_id
from service.schedule_store import ScheduleStore
from service.scheduler import TemporalSchedules, lock_name

__all__ = ["Drift", "ScheduleReconciler"]

log = get_logger("tempor8.schedules")

ROUND_SECONDS: Final = 300.0
"""Seconds between two comparisons."""
LOCK: Final = "schedule reconciler"
PAGE_SIZE: Final = 1_000
TENANTS_PER_PAGE: Final = 200
RPC_TIMEOUT: Final = timedelta(seconds=30)


@dataclass(frozen=True)
class ListedSchedule:
    """A schedule as Temporal lists it: the list may be some seconds old."""

    mark: Mark | None
    paused: bool


@dataclass
class Drift:
    """Ids of schedules that were made again, updated, and removed in one comparison."""

    lost: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)


class ScheduleReconciler:
    """Compares at the start and every `ROUND_SECONDS`, in one process at a time.

    A schedule is removed only when it carries the mark of this installation and no row wants it. One that an operator has
    paused is left as it is while its row stays.
    """

    def __init__(self, client: Client, database: Database, queue_of: Callable[[str], str], lock_url: str) -> None:
        self._client = client
        self._store = ScheduleStore(database)
        self._temporal = TemporalSchedules(client, self._store, queue_of)
        self._locks = SessionLocks(lock_url)

    async def run(self, loop: BackgroundLoop) -> None:
        """Compare until cancelled."""
        try:
            while True:
                async with self._locks.hold(LOCK) as locked:
                    loop.standby = not locked
                    if locked:
                        await self.reconcile()
                loop.complete_round()
                await asyncio.sleep(ROUND_SECONDS)
        finally:
            await self.close()

    async def close(self) -> None:
        """Release every lock."""
        await self._locks.close()

    async def reconcile(self) -> Drift:
        """Compare once, and return what differed; the scheduler applies what is to be made or updated.

        Raises:
            DatabaseUnavailable, psycopg.OperationalError, RPCError: a server does not answer.
        """
        listed = await self._listed()  # before the rows: a schedule that is made meanwhile then has its row
        drift = Drift()
        after = ""
        while tenants := await self._store.tenants(after, TENANTS_PER_PAGE):
            for tenant in tenants:
                await self._compare(tenant, listed.pop(tenant, {}), drift)
            after = tenants[-1]
        installation = await self._temporal.installation()
        for tenant, schedules in listed.items():  # of tenants that have no rows
            for id_, schedule in schedules.items():
                if schedule.mark and schedule.mark.installation == installation:
                    await self._remove(tenant, id_, drift)
        if drift.lost or drift.changed or drift.removed:
            log.warning(
                "schedules differed from Temporal's", lost=len(drift.lost), changed=len(drift.changed),
                removed=len(drift.removed), some=[*drift.lost, *drift.changed, *drift.removed][:5],
            )  # fmt: skip
        return drift

    async def _compare(self, tenant: str, listed: Mapping[str, ListedSchedule], drift: Drift) -> None:
        rows = {schedule_id(tenant, row): row for row in await self._store.rows(tenant)}
        again = []
        for id_, row in rows.items():
            if row.spec is None or row.spec != row.applied:
                continue  # the scheduler is about to apply it
            there = listed.get(id_)
            if there is None and not await self._temporal.exists(id_):
                drift.lost.append(id_)
                again.append(row.id)
            elif there is not None and not there.paused and there.mark != await self._temporal.mark(tenant, row):
                drift.changed.append(id_)
                again.append(row.id)
        if again:
            await self._store.forget_applied(tenant, again)
        elif any(row.spec is None or row.spec != row.applied for row in rows.values()):
            await self._store.queue_waiting(tenant)
        elif not rows:
            await self._store.remove_tenant(tenant)
        installation = await self._temporal.installation()
        for id_, schedule in listed.items():
            if id_ not in rows and schedule.mark and schedule.mark.installation == installation:
                await self._remove(tenant, id_, drift)

    async def _remove(self, tenant: str, id_: str, drift: Drift) -> None:
        """Remove a schedule that no row wants, if that is still so while nobody else changes the tenant's schedules."""
        async with self._locks.hold(lock_name(tenant)) as locked:
            if not locked or await self._store.row(tenant, id_.removeprefix(f"{tenant}:")) is not None:
                return
            if await self._temporal.remove(id_, marked=True):
                drift.removed.append(id_)

    async def _listed(self) -> dict[str, dict[str, ListedSchedule]]:
        """Return Temporal's schedules by tenant and id, whoever made them."""
        listed: defaultdict[str, dict[str, ListedSchedule]] = defaultdict(dict)
        request = ListSchedulesRequest(namespace=self._client.namespace, maximum_page_size=PAGE_SIZE)
        while True:
            answer = await self._client.workflow_service.list_schedules(request, retry=True, timeout=RPC_TIMEOUT)
            for each in answer.schedules:
                if ":" in each.schedule_id:
                    listed[tenant_of(each.schedule_id)][each.schedule_id] = ListedSchedule(
                        Mark.read(each.info.notes), each.info.paused
                    )
            if not answer.next_page_token:
                return listed
            request.next_page_token = answer.next_page_token
