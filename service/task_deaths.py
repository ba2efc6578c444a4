"""How often a task of a run has ended its worker: noted where the next attempt, on whichever worker, sees it."""

import threading
from typing import Final

import psycopg

from runtime.platform.postgres import NETWORK_OPTIONS, Database

__all__ = ["TaskDeaths"]

NOTE_SECONDS: Final = 3
"""Seconds that the last note of a process may take."""
BEGIN: Final = """
    insert into task_deaths as before (tenant_id, workflow_id, task, deaths, open)
    values (%(tenant)s, %(workflow)s, %(task)s, %(first)s + 1, true)
    on conflict (tenant_id, workflow_id, task)
    do update set deaths = before.deaths + 1, open = true, seen_at = now()
    returning deaths - 1 as deaths"""
NOTE: Final = """
    insert into task_deaths as before (tenant_id, workflow_id, task, deaths, open)
    values (%(tenant)s, %(workflow)s, %(task)s, 1, false)
    on conflict (tenant_id, workflow_id, task)
    do update set deaths = before.deaths + (not before.open)::integer, open = false, seen_at = now()"""


class TaskDeaths:
    """The table of such tasks.

    Args:
        database: for attempts.
        url: of the same database, for the note of a process that is about to end.
    """

    def __init__(self, database: Database, url: str) -> None:
        self._database, self._url = database, url

    async def begin(self, tenant: str, workflow_id: str, task: str, *, first: int) -> int:
        """Count an attempt as a death until `end` says otherwise. Return how many there were before; `first` where none is noted.

        Raises:
            DatabaseUnavailable: try again.
        """
        async with self._database.tenant_transaction(tenant) as connection:
            given = {"tenant": tenant, "workflow": workflow_id, "task": task, "first": first}
            row = await (await connection.execute(BEGIN, given)).fetchone()
        return int(row["deaths"]) if row is not None else first

    async def end(self, tenant: str, workflow_id: str, task: str) -> None:
        """Forget a task, whose worker lives. Raises DatabaseUnavailable."""
        async with self._database.tenant_transaction(tenant) as connection:
            await connection.execute(
                "delete from task_deaths where tenant_id = %s and workflow_id = %s and task = %s",
                (tenant, workflow_id, task),
            )

    async def count(self, tenant: str, workflow_id: str, task: str) -> int:
        """Return how many deaths are noted. Raises DatabaseUnavailable."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select deaths from task_deaths where tenant_id = %s and workflow_id = %s and task = %s",
                (tenant, workflow_id, task),
            )
            row = await cursor.fetchone()
        return int(row["deaths"]) if row is not None else 0

    def note(self, tenant: str, workflow_id: str, task: str) -> None:
        """Note a death, from a thread of the process that is about to end. Blocks for `NOTE_SECONDS` at most.

        Raises:
            TimeoutError: Postgres hangs.
            psycopg.Error: it refuses.
        """
        errors: list[BaseException] = []

        def write() -> None:
            try:
                self._write(tenant, workflow_id, task)
            except BaseException as error:  # noqa: BLE001  # raised in the caller's thread
                errors.append(error)

        writing = threading.Thread(
            target=write, name="task death", daemon=True
        )  # psycopg waits for a hanging server without end
        writing.start()
        writing.join(NOTE_SECONDS)
        if writing.is_alive():
            raise TimeoutError(f"Postgres did not take the note in {NOTE_SECONDS} seconds")
        if errors:
            raise errors[0]

    def _write(self, tenant: str, workflow_id: str, task: str) -> None:
        with psycopg.connect(
            self._url,
            **NETWORK_OPTIONS | {"connect_timeout": NOTE_SECONDS},
        ) as connection:
            connection.execute("select set_config('app.tenant_id', %s, true)", (tenant,))
            connection.execute(f"set local statement_timeout = {NOTE_SECONDS * 1000}")
            connection.execute(NOTE, {"tenant": tenant, "workflow": workflow_id, "task": task})
