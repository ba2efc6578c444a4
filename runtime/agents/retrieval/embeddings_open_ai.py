"""Embeddings OpenAI: any service that speaks OpenAI's embeddings API."""

import base64
import struct
from collections.abc import Sequence
from typing import Any

from runtime.agents.models.lm_chat_open_ai import headers
from runtime.agents.retrieval.embeddings import Embedded, Embeddings
from runtime.agents.retrieval.vendor_request import send
from runtime.contract import ActivityContext, Dynamic, param
from schemas.facts import CredentialUse


class EmbeddingsOpenAi(Embeddings):
    """Vectors come as base64 of 32-bit numbers, as n8n asks for them."""

    type = "@n8n/n8n-nodes-langchain.embeddingsOpenAi"
    versions = (1, 1.1, 1.2)
    credential_uses = (CredentialUse("openAiApi"),)

    model: Dynamic[str] = param("text-embedding-ada-002", since={1.1: "text-embedding-3-small"})
    options: Dynamic[dict[str, Any]] = param({})

    async def vectors(self, context: ActivityContext, texts: Sequence[str]) -> Embedded:
        """See `Embeddings`."""
        return await self._post(context, list(texts))

    async def vector(self, context: ActivityContext, text: str) -> Embedded:
        """See `Embeddings`. One text goes out as itself, not as a list."""
        return await self._post(context, text)

    async def _post(self, context: ActivityContext, given: str | list[str]) -> Embedded:
        credential = await context.credentials.get("openAiApi")
        base = (context.version < 1.2 and self._option("baseURL", None)) or credential.get("url")
        body: dict[str, Any] = {"model": self.model_id, "input": given}
        if dimensions := self._option("dimensions", None):
            body["dimensions"] = dimensions
        timeout = float(self._option("timeout", -1))
        answer = await send(
            context, "POST", str(base or "https://api.openai.com/v1").rstrip("/") + "/embeddings",
            body=body | {"encoding_format": "base64"}, headers=headers(credential),
            timeout=timeout / 1000 if timeout > 0 else 60.0,
        )  # fmt: skip
        rows = sorted(answer["data"], key=lambda row: row.get("index", 0))
        return Embedded([_numbers(row["embedding"]) for row in rows], (answer.get("usage") or {}).get("prompt_tokens"))


def _numbers(value: Any) -> list[float]:
    """Return a vector; some services answer with a list whatever was asked for."""
    if not isinstance(value, str):
        return list(value)
    data = base64.b64decode(value)
    return list(struct.unpack(f"<{len(data) // 4}f", data))
