"""Data tables and seen values for as long as the run lasts."""

from collections.abc import Awaitable, Callable

from runtime.contract.capabilities import DataStore, Store
from runtime.hosts.local.memory_store import MemoryStore
from runtime.hosts.local.offline import OfflineResources, root_execution
from schemas.item import Json
from schemas.task import Task


class MemoryDataStore(DataStore):
    """Shared by the run and its sub-workflows; no attempt is cut off halfway."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def run_once(self, work: Callable[[Store], Awaitable[Json]]) -> Json:
        """One transaction."""
        return await self._store.within(work)


def provide(resources: OfflineResources, task: Task) -> MemoryDataStore:
    """Return the store of a task."""
    return MemoryDataStore(resources.stores[root_execution(task)])
