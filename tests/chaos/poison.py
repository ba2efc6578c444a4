"""Rows that somebody cannot read or write: odd text, a result that is gone, a foreign seal, a schedule that Temporal refuses."""

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final

from temporalio.client import WorkflowExecutionStatus
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.service import RPCError

from runtime.platform.keys import Keyring, new_master_key
from runtime.platform.storage.blobs import BlobStore
from runtime.platform.temporal import connect, data_converter
from schemas import names
from service.schedule_store import write_schedules
from tests.chaos.installation import TENANTS, Installation, start_quiet

__all__ = ["Poison"]

ODD_USERS: Final = ("a\0b", "half \ud83d", "'; drop table workflow_executions; --", "\u202eresu", "x" * 500, " ")
WRAPPED: Final = {"crons": ["0 0 22-2 * * *"], "timezone": "UTC"}
"""What the compiler lets nobody publish, and an older one did."""
SECONDS: Final = 90.0
"""By when a poisoned row must be shown as such."""


class Poison:
    """Poisons the first tenant. Everything of it is shown in the end, and stops nothing of the other tenant's."""

    def __init__(self, up: Installation) -> None:
        self._up, self._tenant = up, TENANTS[0]

    async def inject(self) -> None:
        """All of it, and wait until each is shown."""
        await self._schedule()
        foreign, odd, gone = await self._foreign_memo(), await self._odd_users(), await self._result_that_goes()
        await self._until(self._schedule_is_shown)
        await self._until(lambda: self._is_unreadable(gone))
        await self._until(lambda: self._has_problem(foreign))
        for run in odd:
            await self._until(lambda run=run: self._has_row(run))  # type: ignore[misc]

    async def _schedule(self) -> None:
        async with self._up.database.tenant_transaction(self._tenant) as connection:
            await write_schedules(connection, self._tenant, "wrapped", [("Every:0", "Every", json.dumps(WRAPPED))])

    async def _schedule_is_shown(self) -> bool:
        async with self._up.database.tenant_transaction(self._tenant) as connection:
            query = "select last_error from schedules where template_key = 'wrapped'"
            row = await (await connection.execute(query)).fetchone()
        return row is not None and "Hour" in (row["last_error"] or "")

    async def _foreign_memo(self) -> str:
        """A run of another environment in the same namespace: its memo is sealed with another master key."""
        up, id_ = self._up, f"{self._tenant}:quiet:{uuid.uuid4()}"
        keys = Keyring([new_master_key()])
        client = await connect(up.settings, data_converter(up.settings, keys, BlobStore(up.database, keys)))
        pairs = [(names.TENANT_ID, self._tenant), (names.TRIGGER_KIND, "api"), (names.PLAN_HASH, "none")]
        attributes = [SearchAttributePair(SearchAttributeKey.for_keyword(name), value) for name, value in pairs]
        handle = await client.start_workflow(
            "quiet", {}, id=id_, task_queue="nobody", memo={"tempor8": {"user_id": "u"}},
            search_attributes=TypedSearchAttributes(attributes), task_timeout=timedelta(seconds=5),
        )  # fmt: skip
        await handle.terminate()
        return id_

    async def _odd_users(self) -> list[str]:
        started = []
        for user in ODD_USERS:
            answer = await start_quiet(self._up, self._tenant, user_id=user)
            assert answer.status_code in (202, 400, 422), answer.text
            if answer.status_code == 202:
                started.append(answer.json()["workflow_id"])
        assert started
        return started

    async def _result_that_goes(self) -> str:
        """A run whose stored result is deleted as soon as it has ended."""
        run: str = (await start_quiet(self._up, self._tenant)).json()["workflow_id"]
        handle = self._up.temporal.get_workflow_handle(run)
        while (await handle.describe()).status is WorkflowExecutionStatus.RUNNING:
            await asyncio.sleep(0.05)
        async with self._up.database.tenant_transaction(self._tenant) as connection:
            await connection.execute(
                "delete from payloads where address in (select address from payload_uses where workflow_id = %s)",
                (run,),
            )
        return run

    async def _is_unreadable(self, run: str) -> bool:
        async with self._up.client(self._tenant) as client:
            answer = await client.get(f"/workflows/{run}/status")
        return answer.status_code == 200 and [each["kind"] for each in answer.json()["problems"]] == ["unreadable"]

    async def _has_problem(self, run: str) -> bool:
        return (await self._row(run) or {}).get("problem") is not None

    async def _has_row(self, run: str) -> bool:
        return (await self._row(run) or {}).get("status") == "completed"

    async def _row(self, run: str) -> dict[str, Any] | None:
        async with self._up.database.tenant_transaction(self._tenant) as connection:
            query = "select status, problem from workflow_executions where id = %s"
            return await (await connection.execute(query, (run,))).fetchone()

    async def _until(self, look: Callable[[], Awaitable[bool]]) -> None:
        until = time.monotonic() + SECONDS
        while True:
            try:
                if await look():
                    return
            except (OSError, RPCError):
                pass
            assert time.monotonic() < until, "what is poisoned is not shown"
            await asyncio.sleep(0.3)
