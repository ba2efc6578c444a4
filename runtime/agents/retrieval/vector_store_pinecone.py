"""Pinecone Vector Store."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from runtime.agents.models.chat_model import model_id
from runtime.agents.retrieval.splitting import Document
from runtime.agents.retrieval.store_insert import StoreInsert, StoreUpdate
from runtime.agents.retrieval.store_load import StoreLoad
from runtime.agents.retrieval.store_parts import StoreSubNode, StoreTool
from runtime.agents.retrieval.vector_store import Match, VectorStore
from runtime.agents.retrieval.vendor_request import send
from runtime.contract import ActivityContext, Dynamic, NodeError, param
from schemas.facts import CredentialUse
from schemas.node import Conditions

INDEXES: Final = "https://api.pinecone.io/indexes"
VERSION: Final = {"X-Pinecone-API-Version": "2025-04"}
TEXT: Final = "text"
"""Member of a vector's metadata with the text of its document."""
VECTORS_PER_REQUEST: Final = 100


class Pinecone(VectorStore):
    """An index of the account, and a namespace in it."""

    credential_uses = (CredentialUse("pineconeApi"),)
    updates = True

    pinecone_index: Dynamic[Any] = param({"mode": "list", "value": ""}, required=True)
    options: Dynamic[dict[str, Any]] = param({})

    async def add(
        self,
        context: ActivityContext,
        documents: Sequence[Document],
        vectors: Sequence[Sequence[float]],
        ids: Sequence[str],
    ) -> None:
        """See `VectorStore`."""
        rows = [
            {"id": id_, "values": vector, "metadata": _flat(each["metadata"]) | {TEXT: each["pageContent"]}}
            for id_, vector, each in zip(ids, vectors, documents, strict=True)
        ]
        for first in range(0, len(rows), VECTORS_PER_REQUEST):
            body = {"vectors": rows[first : first + VECTORS_PER_REQUEST], "namespace": self._namespace()}
            await self._send(context, "/vectors/upsert", body)

    async def clear(self, context: ActivityContext) -> None:
        """See `VectorStore`: the namespace, where the option says so. One that does not exist yet is empty."""
        if self.option("clearNamespace"):
            await self._send(context, "/vectors/delete", {"deleteAll": True, "namespace": self._namespace()}, (404,))

    async def nearest(self, context: ActivityContext, vector: Sequence[float], k: int) -> list[Match]:
        """See `VectorStore`."""
        body: dict[str, Any] = {"namespace": self._namespace(), "topK": k, "includeMetadata": True, "vector": vector}
        if wanted := self.metadata_filter():
            body["filter"] = wanted
        answer = await self._send(context, "/query", body)
        return [_match(each) for each in (answer or {}).get("matches") or []]

    def _namespace(self) -> str:
        return str(self.option("pineconeNamespace", ""))

    async def _send(self, context: ActivityContext, path: str, body: Any, accept: tuple[int, ...] = ()) -> Any:
        """POST to the host of the index, which only Pinecone knows."""
        name = model_id(self.pinecone_index)
        listed = await send(context, "GET", INDEXES, headers=VERSION, signed_by="pineconeApi")
        host = next((each["host"] for each in (listed or {}).get("indexes") or [] if each.get("name") == name), None)
        if host is None:
            advice = "Please check that the index exists in your vector store"
            raise NodeError(f"Index {name} not found", description=advice)
        url = f"https://{host}{path}"
        return await send(context, "POST", url, body=body, headers=VERSION, signed_by="pineconeApi", accept=accept)


def _match(found: Mapping[str, Any]) -> Match:
    metadata = dict(found.get("metadata") or {})
    document = {"pageContent": str(metadata.pop(TEXT, "")), "metadata": metadata, "id": found.get("id")}
    return document, float(found.get("score") or 0)


def _flat(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return metadata without objects in it, which Pinecone refuses: members of members get names with dots."""
    return dict(_members("", metadata))


def _members(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        yield prefix, value
    elif isinstance(value, Mapping | list):
        named = value.items() if isinstance(value, Mapping) else enumerate(value)
        for name, each in named:
            yield from _members(f"{prefix}.{name}" if prefix else str(name), each)
    elif value is not None:
        yield prefix, value


class PineconeInsert(Pinecone, StoreInsert):
    """Insert documents."""

    type = "@n8n/n8n-nodes-langchain.vectorStorePinecone"
    when: ClassVar[Conditions] = {"mode": ["insert"]}


class PineconeUpdate(Pinecone, StoreUpdate):
    """Replace a document by its id."""

    type = "@n8n/n8n-nodes-langchain.vectorStorePinecone"
    when: ClassVar[Conditions] = {"mode": ["update"]}


class PineconeLoad(Pinecone, StoreLoad):
    """Find documents near a prompt."""

    type = "@n8n/n8n-nodes-langchain.vectorStorePinecone"
    when: ClassVar[Conditions] = {"mode": ["load"]}


class PineconeSubNode(Pinecone, StoreSubNode):
    """The store of a retriever or a tool."""

    type = "@n8n/n8n-nodes-langchain.vectorStorePinecone"
    when: ClassVar[Conditions] = {"mode": ["retrieve"]}


class PineconeTool(Pinecone, StoreTool):
    """Documents near a question, as a tool of an agent."""

    type = "@n8n/n8n-nodes-langchain.vectorStorePinecone"
    when: ClassVar[Conditions] = {"mode": ["retrieve-as-tool"]}
