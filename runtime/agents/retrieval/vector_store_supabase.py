"""Supabase Vector Store: a table with pgvector, and a function of the database that searches it."""

from collections.abc import Sequence
from typing import Any, ClassVar, Final
from urllib.parse import quote

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

REFUSALS: Final = (400, 401, 403, 404, 406, 409, 422)
"""Statuses with which the database says what is wrong."""
PREFER: Final = {"Prefer": "resolution=merge-duplicates,return=representation"}


class Supabase(VectorStore):
    """PostgREST of the project, with the service's key."""

    credential_uses = (CredentialUse("supabaseApi"),)
    updates = True

    table_name: Dynamic[Any] = param({"mode": "list", "value": ""}, required=True)
    options: Dynamic[dict[str, Any]] = param({})

    async def add(
        self,
        context: ActivityContext,
        documents: Sequence[Document],
        vectors: Sequence[Sequence[float]],
        ids: Sequence[str],
    ) -> None:
        """See `VectorStore`. The table gives new rows their ids."""
        rows = [
            ({"id": id_} if self.mode == "update" else {})
            | {"content": each["pageContent"], "embedding": vector, "metadata": each["metadata"]}
            for id_, vector, each in zip(ids, vectors, documents, strict=True)
        ]
        columns = ",".join(f'"{name}"' for name in rows[0])
        path = f"/{quote(model_id(self.table_name), safe='')}"
        answer = await self._send(context, path, rows, {"columns": columns, "select": "*"})
        if isinstance(answer, dict) and answer.get("message"):
            raise NodeError(f"Error inserting: {answer['message']}", description=answer.get("hint"))

    async def nearest(self, context: ActivityContext, vector: Sequence[float], k: int) -> list[Match]:
        """See `VectorStore`."""
        body = {"query_embedding": vector, "filter": self.metadata_filter(), "match_count": k}
        function = quote(str(self.option("queryName", "match_documents")), safe="")
        answer = await self._send(context, f"/rpc/{function}", body)
        if not isinstance(answer, list):
            told = answer if isinstance(answer, dict) else {}
            words = " ".join(str(told.get(name) or "null") for name in ("code", "message", "details"))
            raise NodeError(f"Error searching for documents: {words}", description=told.get("hint"))
        return [
            ({"pageContent": row.get("content"), "metadata": row.get("metadata")}, float(row.get("similarity") or 0))
            for row in answer
        ]

    async def _send(self, context: ActivityContext, path: str, body: Any, query: dict[str, Any] | None = None) -> Any:
        credential = await context.credentials.get("supabaseApi")
        url = str(credential.get("host", "")).rstrip("/") + "/rest/v1" + path
        return await send(
            context, "POST", url, body=body, query=query, headers=PREFER, signed_by="supabaseApi", accept=REFUSALS
        )


class SupabaseInsert(Supabase, StoreInsert):
    """Insert documents."""

    type = "@n8n/n8n-nodes-langchain.vectorStoreSupabase"
    when: ClassVar[Conditions] = {"mode": ["insert"]}


class SupabaseUpdate(Supabase, StoreUpdate):
    """Replace a document by its id."""

    type = "@n8n/n8n-nodes-langchain.vectorStoreSupabase"
    when: ClassVar[Conditions] = {"mode": ["update"]}


class SupabaseLoad(Supabase, StoreLoad):
    """Find documents near a prompt."""

    type = "@n8n/n8n-nodes-langchain.vectorStoreSupabase"
    when: ClassVar[Conditions] = {"mode": ["load"]}


class SupabaseSubNode(Supabase, StoreSubNode):
    """The store of a retriever or a tool."""

    type = "@n8n/n8n-nodes-langchain.vectorStoreSupabase"
    when: ClassVar[Conditions] = {"mode": ["retrieve"]}


class SupabaseTool(Supabase, StoreTool):
    """Documents near a question, as a tool of an agent."""

    type = "@n8n/n8n-nodes-langchain.vectorStoreSupabase"
    when: ClassVar[Conditions] = {"mode": ["retrieve-as-tool"]}
