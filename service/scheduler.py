"""Temporal Schedules of published templates: rows in Postgres say which there should be, the scheduler applies them.

A publication writes its rows in its own transaction, so a schedule is never lost between the two servers; applying one
twice does no harm.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
)
from temporalio.common import Priority, SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.service import RPCError, RPCStatusCode

from runtime.platform.postgres import Connection, Database, DatabaseUnavailable
from runtime.platform.telemetry.logging import get_logger
from schemas import names
from schemas.kinds import Mode, TriggerKind
from schemas.run import TASK_TIMEOUT, StartInput

__all__ = ["Scheduled", "Scheduler", "write_schedules"]

log = get_logger("tempor8.schedules")

CATCH_UP_WINDOW: Final = timedelta(hours=1)
"""Runs that were missed while Temporal was down are started if they are not older; n8n starts none of them."""
POLL_SECONDS: Final = 5.0
"""Seconds between two queries for changes of which no notification came."""


@dataclass(frozen=True)
class Scheduled:
    """A schedule, whether Temporal has it already, and its next times."""

    id: str
    node: str
    spec: dict[str, Any]
    applied: bool
    next: Sequence[datetime] = ()


async def write_schedules(connection: Connection, tenant: str, key: str, rows: Sequence[tuple[str, str, str]]) -> None:
    """Set the schedules of a template to `rows` (id without template, node, spec as JSON), in the caller's transaction."""
    cursor = await connection.execute(
        "update schedules set spec = null where tenant_id = %s and template_key = %s", (tenant, key)
    )
    if not rows and not cursor.rowcount:
        return
    for id_, node, spec in rows:
        await connection.execute(
            "insert into schedules (tenant_id, id, template_key, node, spec) values (%s, %s, %s, %s, %s)"
            " on conflict (tenant_id, id) do update set spec = excluded.spec, node = excluded.node",
            (tenant, f"{key}:{id_}", key, node, spec),
        )
    await connection.execute(
        "insert into schedule_changes (tenant_id) values (%s)"
        " on conflict (tenant_id) do update set changed_at = clock_timestamp()",
        (tenant,),
    )


class Scheduler:
    """Applies changed schedules to Temporal; `run` works until it is cancelled, through outages of both servers.

    Several may work at a time: what they write is the same.
    """

    def __init__(self, client: Client, database: Database, task_queue: str) -> None:
        self._client, self._database, self._queue = client, database, task_queue
        self._changed = asyncio.Event()

    def wake(self) -> None:
        """Apply changes now: something was published."""
        self._changed.set()

    async def run(self) -> None:
        """Apply changes until cancelled."""
        while True:
            try:
                await self.apply()
            except (DatabaseUnavailable, psycopg.OperationalError, RPCError, RuntimeError) as error:
                log.warning("scheduler waits", error=type(error).__name__)
            try:
                await asyncio.wait_for(self._changed.wait(), POLL_SECONDS)
            except TimeoutError:
                continue
            self._changed.clear()

    async def apply(self) -> None:
        """Apply every change that Temporal does not have yet.

        Raises:
            DatabaseUnavailable, RPCError: a server does not answer; the rest is applied the next time.
        """
        async with self._database.transaction() as connection:
            cursor = await connection.execute("select tenant_id, changed_at from schedule_changes")
            changed = await cursor.fetchall()
        for row in changed:
            await self._tenant(row["tenant_id"])
            async with self._database.transaction() as connection:
                await connection.execute(
                    "delete from schedule_changes where tenant_id = %s and changed_at = %s",
                    (row["tenant_id"], row["changed_at"]),
                )

    async def _tenant(self, tenant: str) -> None:
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select id, template_key, node, spec, applied from schedules"
                " where tenant_id = %s and spec::text is distinct from applied::text",
                (tenant,),
            )
            rows = await cursor.fetchall()
        for row in rows:
            if row["spec"] is None:
                await self._remove(f"{tenant}:{row['id']}")
                change = "delete from schedules where tenant_id = %(tenant)s and id = %(id)s and spec is null"
            else:
                await self._create_or_update(tenant, row)
                change = "update schedules set applied = %(spec)s where tenant_id = %(tenant)s and id = %(id)s"
            async with self._database.tenant_transaction(tenant) as connection:
                parameters = {"tenant": tenant, "id": row["id"], "spec": json.dumps(row["spec"])}
                await connection.execute(change.encode(), parameters)

    async def _create_or_update(self, tenant: str, row: dict[str, Any]) -> None:
        id_ = f"{tenant}:{row['id']}"
        schedule = self._schedule(tenant, row)
        try:
            at_once = row["spec"].get("kind") == "poll"  # n8n polls at once when a template is activated
            await self._client.create_schedule(id_, schedule, trigger_immediately=at_once)
        except ScheduleAlreadyRunningError:
            await self._client.get_schedule_handle(id_).update(lambda _: ScheduleUpdate(schedule))

    async def _remove(self, id_: str) -> None:
        try:
            await self._client.get_schedule_handle(id_).delete()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise

    def _schedule(self, tenant: str, row: dict[str, Any]) -> Schedule:
        key, spec = row["template_key"], row["spec"]
        kind = TriggerKind(spec.get("kind", TriggerKind.SCHEDULE))
        input_ = StartInput(
            tenant=tenant, template=key, start=row["node"], trigger_kind=kind, mode=Mode.TRIGGER, items=[{"json": {}}]
        )  # fmt: skip
        attributes = {names.TENANT_ID: tenant, names.TEMPLATE_KEY: key, names.TRIGGER_KIND: str(kind)}
        pairs = [SearchAttributePair(SearchAttributeKey.for_keyword(name), value) for name, value in attributes.items()]
        every = timedelta(seconds=spec.get("every") or 0)
        return Schedule(
            action=ScheduleActionStartWorkflow(
                key,
                input_.model_dump(mode="json"),
                id=names.workflow_id(tenant, key, f"{kind}-{row['id'].rpartition(':')[2]}"),
                task_queue=self._queue,
                task_timeout=TASK_TIMEOUT,
                typed_search_attributes=TypedSearchAttributes(pairs),
                priority=Priority(fairness_key=tenant),
            ),
            spec=ScheduleSpec(
                cron_expressions=[f"{line} *" for line in spec.get("crons", ())],  # Temporal's seventh field: the year
                intervals=[ScheduleIntervalSpec(every, timedelta(seconds=spec["offset"]))] if every else [],
                time_zone_name=spec["timezone"],
            ),
            # n8n starts a run at each time, whether or not an earlier one has ended
            policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.ALLOW_ALL, catchup_window=CATCH_UP_WINDOW),
        )

    async def list_schedules(self, tenant: str, key: str) -> list[Scheduled]:
        """Return the schedules of a template, with their next five times where Temporal knows them."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select id, node, spec, spec::text is not distinct from applied::text as applied from schedules"
                " where tenant_id = %s and template_key = %s and spec is not null order by id",
                (tenant, key),
            )
            rows = await cursor.fetchall()
        schedules = []
        for row in rows:
            times: Sequence[datetime] = ()
            try:
                described = await self._client.get_schedule_handle(f"{tenant}:{row['id']}").describe()
                times = described.info.next_action_times[:5]
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
            schedules.append(Scheduled(row["id"], row["node"], row["spec"], row["applied"], times))
        return schedules
