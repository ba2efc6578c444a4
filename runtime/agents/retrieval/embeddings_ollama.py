"""Embeddings Ollama: models on one's own machine."""

from collections.abc import Sequence

from runtime.agents.retrieval.embeddings import Embedded, Embeddings
from runtime.agents.retrieval.vendor_request import send
from runtime.contract import ActivityContext, Dynamic, param
from schemas.facts import CredentialUse


class EmbeddingsOllama(Embeddings):
    """The address is in the credential; a private one must be on the tenant's allow-list."""

    type = "@n8n/n8n-nodes-langchain.embeddingsOllama"
    versions = (1,)
    credential_uses = (CredentialUse("ollamaApi"),)
    strips = False

    model: Dynamic[str] = param("llama3.2")

    async def vectors(self, context: ActivityContext, texts: Sequence[str]) -> Embedded:
        """See `Embeddings`. The timeout is long, since a local model may be slow."""
        credential = await context.credentials.get("ollamaApi")
        url = str(credential.get("baseUrl") or "http://localhost:11434").rstrip("/") + "/api/embed"
        headers = {"Authorization": f"Bearer {credential['apiKey']}"} if credential.get("apiKey") else {}
        body = {"model": self.model_id, "input": list(texts), "truncate": False}
        answer = await send(context, "POST", url, body=body, headers=headers, timeout=600.0)
        return Embedded(list(answer["embeddings"]), answer.get("prompt_eval_count"))
