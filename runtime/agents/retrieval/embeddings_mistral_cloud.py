"""Embeddings Mistral Cloud."""

from collections.abc import Sequence
from typing import Any

from runtime.agents.retrieval.embeddings import Embedded, Embeddings
from runtime.agents.retrieval.vendor_request import send
from runtime.contract import ActivityContext, Dynamic, param
from schemas.facts import CredentialUse

URL = "https://api.mistral.ai/v1/embeddings"


class EmbeddingsMistralCloud(Embeddings):
    """Vectors as lists of numbers."""

    type = "@n8n/n8n-nodes-langchain.embeddingsMistralCloud"
    versions = (1,)
    credential_uses = (CredentialUse("mistralCloudApi"),)

    model: Dynamic[str] = param("mistral-embed")
    options: Dynamic[dict[str, Any]] = param({})

    async def vectors(self, context: ActivityContext, texts: Sequence[str]) -> Embedded:
        """See `Embeddings`."""
        credential = await context.credentials.get("mistralCloudApi")
        body = {"model": self.model_id, "input": list(texts), "encoding_format": "float"}
        headers = {"Authorization": f"Bearer {credential.get('apiKey', '')}"}
        answer = await send(context, "POST", URL, body=body, headers=headers)
        return Embedded([row["embedding"] for row in answer["data"]], (answer.get("usage") or {}).get("prompt_tokens"))
