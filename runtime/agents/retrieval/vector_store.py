"""What vector stores have in common: their parameters, and the methods that run as activities of the store's step.

A store is several nodes by its `mode`: `store_roots` has those in the main flow, `store_parts` sub-node and tool.
"""

import hashlib
import uuid
from collections.abc import Sequence
from typing import Any, ClassVar, TypeAlias, cast

from runtime.agents.retrieval.parts import documents_of
from runtime.agents.retrieval.references import referred
from runtime.agents.retrieval.splitting import Document
from runtime.contract import ActivityContext, Dynamic, NodeError, param
from schemas.item import Json
from schemas.node import Node

Match: TypeAlias = tuple[dict[str, Any], float]
"""A document (`pageContent`, `metadata`, maybe `id`) and its score."""
READS = ["load", "retrieve-as-tool"]


class VectorStore(Node):
    """Subclasses declare where the vectors lie, and write `add` and `nearest`."""

    versions: ClassVar[tuple[float, ...]] = (1, 1.1, 1.2, 1.3)
    updates: ClassVar[bool] = False
    """Whether a document is replaced by its id."""

    mode: str = param("retrieve")
    tool_name: Dynamic[str] = param(
        "",
        show={"@version": [{"_cnd": {"lte": 1.2}}], "mode": ["retrieve-as-tool"]},
        required=True,
        label="Name",
    )
    tool_description: Dynamic[str] = param("", show={"mode": ["retrieve-as-tool"]}, required=True, label="Description")
    embedding_batch_size: Dynamic[int] = param(200, show={"mode": ["insert"], "@version": [{"_cnd": {"gte": 1.1}}]})
    prompt: Dynamic[Any] = param("", show={"mode": ["load"]}, required=True)
    top_k: Dynamic[int] = param(4, show={"mode": READS})
    include_document_metadata: Dynamic[bool] = param(True, show={"mode": READS})
    use_reranker: bool = param(False, show={"mode": [*READS, "retrieve"]})
    id: Dynamic[str] = param("", show={"mode": ["update"]}, required=True, label="ID")

    async def add(
        self,
        context: ActivityContext,
        documents: Sequence[Document],
        vectors: Sequence[Sequence[float]],
        ids: Sequence[str],
    ) -> None:
        """Store documents under ids that are the same on every attempt. Raise NodeError."""
        raise NotImplementedError

    async def clear(self, context: ActivityContext) -> None:
        """Empty the store before an insertion, where the node says so. Raise NodeError."""
        del context

    async def nearest(self, context: ActivityContext, vector: Sequence[float], k: int) -> list[Match]:
        """Return the `k` nearest documents, nearest first. Raise NodeError."""
        raise NotImplementedError

    async def insert(self, context: ActivityContext, payload: Json) -> Json:
        """Store what `payload` has: {'parts', 'vectors', 'id' (of the call), 'first' (nothing was stored yet), 'ids'?}."""
        data = cast(dict[str, Any], payload)
        documents = await documents_of(context, data["parts"])
        vectors = await referred(context, data["vectors"])
        if len(vectors) != len(documents):
            raise NodeError(f"The embeddings model gave {len(vectors)} vectors for {len(documents)} texts")
        if data["first"]:
            await self.clear(context)
        ids = data.get("ids") or [stable_id(data["id"], n) for n in range(len(documents))]
        if documents:
            await self.add(context, documents, vectors, ids)
        return None

    async def search(self, context: ActivityContext, payload: Json) -> Json:
        """Return the nearest documents with their scores; `payload`: {'vector', 'k'}."""
        data = cast(dict[str, Any], payload)
        found = await self.nearest(context, await referred(context, data["vector"]), data["k"])
        return cast(Json, [[document, score] for document, score in found])

    def option(self, name: str, default: Any = None) -> Any:
        """Return an option of the node, where the store has options."""
        options = getattr(self, "options", None)
        value = options.get(name) if isinstance(options, dict) else None
        return default if value in (None, "") else value

    def metadata_filter(self) -> dict[str, Any]:
        """Return the metadata that documents must have."""
        rows = (self.option("metadata") or {}).get("metadataValues") or []
        return {str(row.get("name", "")): row.get("value", "") for row in rows}


def stable_id(call: str, n: int) -> str:
    """Return a UUID for the n-th document of a call."""
    return str(uuid.UUID(bytes=hashlib.sha256(f"{call}/{n}".encode()).digest()[:16], version=4))


__all__ = ["Match", "VectorStore", "stable_id"]
