"""Data tables and seen values in Postgres."""

from collections.abc import Awaitable, Callable

from runtime.contract.capabilities import DataStore, Store
from runtime.hosts.temporal.idempotency import idempotency_key
from runtime.hosts.temporal.resources import WorkerResources
from runtime.platform.postgres import Database
from schemas.item import Json
from schemas.task import Task
from service.data_store import run_once


class WorkerDataStore(DataStore):
    """The store of the task's tenant."""

    def __init__(self, database: Database, task: Task) -> None:
        self._database, self._task = database, task

    async def run_once(self, work: Callable[[Store], Awaitable[Json]]) -> Json:
        """One transaction; the result is stored beside what it did, so that no attempt does it again."""
        meta = self._task["meta"]
        key = f"{meta['execution_id']}:{idempotency_key(self._task, 0)}"
        return await run_once(self._database, meta["tenant"], key, work)


def provide(resources: WorkerResources, task: Task) -> WorkerDataStore:
    """Return the store of a task."""
    return WorkerDataStore(resources.database, task)
