"""Simple Vector Store: documents that lie with the service itself."""

from collections.abc import Sequence
from typing import Any, ClassVar

from runtime.agents.models.chat_model import model_id
from runtime.agents.retrieval.splitting import Document
from runtime.agents.retrieval.store_insert import StoreInsert
from runtime.agents.retrieval.store_load import StoreLoad
from runtime.agents.retrieval.store_parts import StoreSubNode, StoreTool
from runtime.agents.retrieval.vector_store import Match, VectorStore
from runtime.contract import ActivityContext, Dynamic, param
from runtime.contract.capabilities.vectors import MAX_DOCUMENTS, VectorDocument
from schemas.node import Conditions

LOCATED = [{"_cnd": {"gte": 1.2}}]


class InMemory(VectorStore):
    """Up to version 1.1 a key is one of the workflow; from 1.2 on of the tenant."""

    differs = f"The documents, {MAX_DOCUMENTS} at most, are stored in the database and not only in memory"

    key_text: Dynamic[str] = param("vector_store_key", alias="memoryKey", show={"@version": [{"_cnd": {"lte": 1.1}}]})
    key_located: Dynamic[Any] = param(
        {"mode": "list", "value": "vector_store_key"}, alias="memoryKey", show={"@version": LOCATED}, required=True
    )
    clear_store: bool = param(False, show={"mode": ["insert"]})

    async def add(
        self,
        context: ActivityContext,
        documents: Sequence[Document],
        vectors: Sequence[Sequence[float]],
        ids: Sequence[str],
    ) -> None:
        """See `VectorStore`."""
        rows: list[VectorDocument] = [
            {"id": id_, "document": dict(each), "vector": vector}
            for id_, vector, each in zip(ids, vectors, documents, strict=True)
        ]
        await context.vectors.add(self._key(context), rows)

    async def clear(self, context: ActivityContext) -> None:
        """See `VectorStore`."""
        if self.clear_store:
            await context.vectors.clear(self._key(context))

    async def nearest(self, context: ActivityContext, vector: Sequence[float], k: int) -> list[Match]:
        """See `VectorStore`."""
        return await context.vectors.nearest(self._key(context), vector, k)

    def _key(self, context: ActivityContext) -> str:
        if context.version >= 1.2:
            return model_id(self.key_located)
        return f"{context.workflow['id'] or context.workflow['name']}__{self.key_text}"


class InMemoryInsert(InMemory, StoreInsert):
    """Insert documents."""

    type = "@n8n/n8n-nodes-langchain.vectorStoreInMemory"
    when: ClassVar[Conditions] = {"mode": ["insert"]}


class InMemoryLoad(InMemory, StoreLoad):
    """Find documents near a prompt."""

    type = "@n8n/n8n-nodes-langchain.vectorStoreInMemory"
    when: ClassVar[Conditions] = {"mode": ["load"]}


class InMemorySubNode(InMemory, StoreSubNode):
    """The store of a retriever or a tool."""

    type = "@n8n/n8n-nodes-langchain.vectorStoreInMemory"
    when: ClassVar[Conditions] = {"mode": ["retrieve"]}


class InMemoryTool(InMemory, StoreTool):
    """Documents near a question, as a tool of an agent."""

    type = "@n8n/n8n-nodes-langchain.vectorStoreInMemory"
    when: ClassVar[Conditions] = {"mode": ["retrieve-as-tool"]}
