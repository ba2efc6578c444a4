"""Embeddings Google Gemini."""

from collections.abc import Sequence
from typing import Any

from runtime.agents.retrieval.embeddings import Embedded, Embeddings
from runtime.agents.retrieval.vendor_request import send
from runtime.contract import ActivityContext, Dynamic, param
from runtime.values.javascript import js_string
from schemas.facts import CredentialUse


class EmbeddingsGoogleGemini(Embeddings):
    """Up to a hundred texts per request."""

    type = "@n8n/n8n-nodes-langchain.embeddingsGoogleGemini"
    versions = (1,)
    credential_uses = (CredentialUse("googlePalmApi"),)
    batch_size = 100

    model_name: Dynamic[str] = param("models/gemini-embedding-001")

    async def vectors(self, context: ActivityContext, texts: Sequence[str]) -> Embedded:
        """See `Embeddings`."""
        requests = [{"content": _content(text), "model": self._path()} for text in texts]
        answer = await self._post(context, "batchEmbedContents", {"requests": requests})
        return Embedded([each["values"] for each in answer["embeddings"]])

    async def vector(self, context: ActivityContext, text: str) -> Embedded:
        """See `Embeddings`."""
        answer = await self._post(context, "embedContent", {"content": _content(text)})
        return Embedded([list(answer["embedding"]["values"])])

    def _path(self) -> str:
        name = js_string(self.model_name)
        return name if name.startswith("models/") else f"models/{name}"

    async def _post(self, context: ActivityContext, method: str, body: dict[str, Any]) -> Any:
        credential = await context.credentials.get("googlePalmApi")
        host = str(credential.get("host") or "https://generativelanguage.googleapis.com").rstrip("/")
        url = f"{host}/v1beta/{self._path()}:{method}"
        return await send(
            context, "POST", url, body=body, headers={"x-goog-api-key": str(credential.get("apiKey", ""))}
        )


def _content(text: str) -> dict[str, Any]:
    return {"role": "user", "parts": [{"text": text}]}
