"""Qdrant Vector Store."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote

from runtime.agents.models.chat_model import model_id
from runtime.agents.retrieval.splitting import Document
from runtime.agents.retrieval.store_insert import StoreInsert
from runtime.agents.retrieval.store_load import StoreLoad
from runtime.agents.retrieval.store_parts import StoreSubNode, StoreTool
from runtime.agents.retrieval.vector_store import Match, VectorStore
from runtime.agents.retrieval.vendor_request import send
from runtime.contract import ActivityContext, Dynamic, NodeError, param
from schemas.facts import CredentialUse
from schemas.node import Conditions


class Qdrant(VectorStore):
    """A collection of a server, which an insertion makes when it is not there."""

    credential_uses = (CredentialUse("qdrantApi"),)
    differs = "A search in a collection that does not exist is an error, and makes none"

    qdrant_collection: Dynamic[Any] = param({"mode": "list", "value": ""}, required=True)
    options: Dynamic[dict[str, Any]] = param({})

    async def add(
        self,
        context: ActivityContext,
        documents: Sequence[Document],
        vectors: Sequence[Sequence[float]],
        ids: Sequence[str],
    ) -> None:
        """See `VectorStore`."""
        await self._ensure(context, len(vectors[0]))
        content, metadata = self._keys()
        points = [
            {"id": id_, "vector": vector, "payload": {content: each["pageContent"], metadata: each["metadata"]}}
            for id_, vector, each in zip(ids, vectors, documents, strict=True)
        ]
        await self._send(context, "PUT", f"{self._collection()}/points?wait=true", {"points": points})

    async def nearest(self, context: ActivityContext, vector: Sequence[float], k: int) -> list[Match]:
        """See `VectorStore`."""
        content, metadata = self._keys()
        wanted = _object(self.option("searchFilterJson"), "Search Filter")
        body: dict[str, Any] = {"query": vector, **({"filter": wanted} if wanted else {}), "limit": k}
        body |= {"with_vector": False, "with_payload": [metadata, content]}
        answer = await self._send(context, "POST", f"{self._collection()}/points/query", body)
        points = ((answer or {}).get("result") or {}).get("points") or []
        return [
            (
                {
                    "pageContent": (point.get("payload") or {}).get(content) or "",
                    "metadata": (point.get("payload") or {}).get(metadata) or {},
                    "id": point.get("id"),
                },
                float(point.get("score") or 0),
            )
            for point in points
        ]

    async def _ensure(self, context: ActivityContext, size: int) -> None:
        """Create the collection unless it is there."""
        listed = await self._send(context, "GET", "", None)
        names = [each.get("name") for each in ((listed or {}).get("result") or {}).get("collections") or []]
        if model_id(self.qdrant_collection) in names:
            return
        config = _object(self.option("collectionConfig"), "Collection Config")
        body = config or {"vectors": {"size": size, "distance": "Cosine"}}
        await self._send(context, "PUT", self._collection(), body)

    def _keys(self) -> tuple[str, str]:
        return str(self.option("contentPayloadKey", "content")), str(self.option("metadataPayloadKey", "metadata"))

    def _collection(self) -> str:
        return f"/{quote(model_id(self.qdrant_collection), safe='')}"

    async def _send(self, context: ActivityContext, method: str, path: str, body: Any) -> Any:
        credential = await context.credentials.get("qdrantApi")
        url = str(credential.get("qdrantUrl", "")).rstrip("/") + "/collections" + path
        return await send(context, method, url, body=body, signed_by="qdrantApi")


def _object(value: Any, name: str) -> Mapping[str, Any] | None:
    """Return JSON of an option; None when it is empty. Raise NodeError."""
    if isinstance(value, str):
        try:
            value = json.loads(value or "null")
        except ValueError as error:
            raise NodeError(f"The option '{name}' is not valid JSON", description=str(error)) from None
    return value if isinstance(value, Mapping) and value else None


class QdrantInsert(Qdrant, StoreInsert):
    """Insert documents."""

    type = "@n8n/n8n-nodes-langchain.vectorStoreQdrant"
    when: ClassVar[Conditions] = {"mode": ["insert"]}


class QdrantLoad(Qdrant, StoreLoad):
    """Find documents near a prompt."""

    type = "@n8n/n8n-nodes-langchain.vectorStoreQdrant"
    when: ClassVar[Conditions] = {"mode": ["load"]}


class QdrantSubNode(Qdrant, StoreSubNode):
    """The store of a retriever or a tool."""

    type = "@n8n/n8n-nodes-langchain.vectorStoreQdrant"
    when: ClassVar[Conditions] = {"mode": ["retrieve"]}


class QdrantTool(Qdrant, StoreTool):
    """Documents near a question, as a tool of an agent."""

    type = "@n8n/n8n-nodes-langchain.vectorStoreQdrant"
    when: ClassVar[Conditions] = {"mode": ["retrieve-as-tool"]}
