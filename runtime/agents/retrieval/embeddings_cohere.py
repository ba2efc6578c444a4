"""Embeddings Cohere."""

from collections.abc import Sequence

from runtime.agents.retrieval.embeddings import Embedded, Embeddings
from runtime.agents.retrieval.vendor_request import send
from runtime.contract import ActivityContext, Dynamic, param
from schemas.facts import CredentialUse

URL = "https://api.cohere.com/v1/embed"


class EmbeddingsCohere(Embeddings):
    """Documents and questions are told apart."""

    type = "@n8n/n8n-nodes-langchain.embeddingsCohere"
    versions = (1,)
    credential_uses = (CredentialUse("cohereApi"),)
    batch_size = 48
    strips = False

    model_name: Dynamic[str] = param("embed-english-v2.0")

    async def vectors(self, context: ActivityContext, texts: Sequence[str]) -> Embedded:
        """See `Embeddings`."""
        return await self._post(context, texts, "search_document")

    async def vector(self, context: ActivityContext, text: str) -> Embedded:
        """See `Embeddings`."""
        return await self._post(context, [text], "search_query")

    async def _post(self, context: ActivityContext, texts: Sequence[str], kind: str) -> Embedded:
        body = {"model": self.model_id, "texts": list(texts), "input_type": kind, "embedding_types": ["float"]}
        answer = await send(context, "POST", URL, body=body, signed_by="cohereApi")
        billed = (answer.get("meta") or {}).get("billed_units") or {}
        return Embedded(list(answer["embeddings"]["float"]), billed.get("input_tokens"))
