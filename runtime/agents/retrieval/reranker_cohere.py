"""Reranker Cohere."""

from collections.abc import Sequence

from runtime.agents.retrieval.reranker import Reranker
from runtime.agents.retrieval.vendor_request import send
from runtime.contract import ActivityContext, Dynamic, param
from schemas.facts import CredentialUse

URL = "https://api.cohere.com/v1/rerank"


class RerankerCohere(Reranker):
    """One request for all documents."""

    type = "@n8n/n8n-nodes-langchain.rerankerCohere"
    versions = (1,)
    credential_uses = (CredentialUse("cohereApi"),)

    model_name: Dynamic[str] = param("rerank-v3.5")
    top_n: Dynamic[int] = param(3)

    async def scores(self, context: ActivityContext, query: str, texts: Sequence[str]) -> list[tuple[int, float]]:
        """See `Reranker`."""
        body = {
            "model": self.model_name, "query": query, "documents": list(texts), "top_n": self.top_n,
            "max_chunks_per_doc": None,
        }  # fmt: skip
        answer = await send(context, "POST", URL, body=body, signed_by="cohereApi")
        return [(each["index"], each["relevance_score"]) for each in answer["results"]]
