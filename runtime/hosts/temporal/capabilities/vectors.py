"""Documents with vectors in Postgres."""

from collections.abc import Sequence
from typing import Any

from runtime.contract import NodeError
from runtime.contract.capabilities import Vectors
from runtime.contract.capabilities.vectors import MAX_DOCUMENTS, VectorDocument
from runtime.hosts.temporal.resources import WorkerResources
from runtime.values.vectors import VectorLengthError
from schemas.task import Task
from service.vector_documents import TooManyDocumentsError, VectorDocumentStore


class WorkerVectors(Vectors):
    """The documents of the task's tenant."""

    def __init__(self, store: VectorDocumentStore, tenant: str) -> None:
        self._store, self._tenant = store, tenant

    async def add(self, key: str, documents: Sequence[VectorDocument]) -> None:
        """Into the table."""
        try:
            await self._store.add(self._tenant, key, documents, limit=MAX_DOCUMENTS)
        except TooManyDocumentsError as error:
            advice = "Use a vector store of its own, such as Qdrant, Pinecone or Supabase"
            raise NodeError(str(error), description=advice) from error

    async def clear(self, key: str) -> None:
        """From the table."""
        await self._store.clear(self._tenant, key)

    async def nearest(self, key: str, vector: Sequence[float], k: int) -> list[tuple[dict[str, Any], float]]:
        """From the table; compared on a thread."""
        try:
            return await self._store.nearest(self._tenant, key, vector, k)
        except VectorLengthError as error:
            advice = "Insert and search with the same embeddings model, or clear the store first"
            raise NodeError(f"The vectors do not match: {error}", description=advice) from error


def provide(resources: WorkerResources, task: Task) -> WorkerVectors:
    """Return the vectors of a task."""
    return WorkerVectors(VectorDocumentStore(resources.database), task["meta"]["tenant"])
