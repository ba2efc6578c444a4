"""Documents with vectors in memory, for one run."""

from collections.abc import Sequence
from typing import Any

from runtime.contract import NodeError
from runtime.contract.capabilities import Vectors
from runtime.contract.capabilities.vectors import MAX_DOCUMENTS, VectorDocument
from runtime.hosts.local.offline import OfflineResources, root_execution
from runtime.values.vectors import VectorLengthError, nearest
from schemas.task import Task


class MemoryVectors(Vectors):
    """Stores by their keys."""

    def __init__(self, stores: dict[str, dict[str, VectorDocument]]) -> None:
        self._stores = stores

    async def add(self, key: str, documents: Sequence[VectorDocument]) -> None:
        """See Vectors."""
        store = self._stores.setdefault(key, {})
        if len(store.keys() | {each["id"] for each in documents}) > MAX_DOCUMENTS:
            raise NodeError(f"The store may have {MAX_DOCUMENTS} documents")
        store.update({each["id"]: each for each in documents})

    async def clear(self, key: str) -> None:
        """See Vectors."""
        self._stores.pop(key, None)

    async def nearest(self, key: str, vector: Sequence[float], k: int) -> list[tuple[dict[str, Any], float]]:
        """See Vectors."""
        rows = ((each["document"], each["vector"]) for each in self._stores.get(key, {}).values())
        try:
            return nearest(rows, vector, k)
        except VectorLengthError as error:
            raise NodeError(f"The vectors do not match: {error}") from error


def provide(resources: OfflineResources, task: Task) -> MemoryVectors:
    """Return the vectors of a task's run."""
    return MemoryVectors(resources.vectors[root_execution(task)])
