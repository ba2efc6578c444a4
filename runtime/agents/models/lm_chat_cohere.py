"""Cohere Chat Model."""

from typing import Any

from runtime.agents.dialects import cohere
from runtime.agents.dialects.chat import ModelAnswer, Request, post
from runtime.agents.dialects.cohere_stream import CohereStream
from runtime.agents.models.chat_model import ChatModel
from runtime.contract import ActivityContext, Dynamic, param
from schemas.facts import CredentialUse

URL = "https://api.cohere.com/v2/chat"
TEMPERATURE = 0.3


class LmChatCohere(ChatModel):
    """Cohere's own chat API."""

    type = "@n8n/n8n-nodes-langchain.lmChatCohere"
    versions = (1,)
    credential_uses = (CredentialUse("cohereApi"),)
    credential = "cohereApi"

    model: Dynamic[str] = param("command-a-03-2025")
    options: Dynamic[dict[str, Any]] = param({})

    async def ask(self, context: ActivityContext, request: Request) -> ModelAnswer:
        """POST one request with the tenant's key."""
        key = (await context.credentials.get("cohereApi")).get("apiKey", "")
        settings = {"temperature": request.settings.get("temperature")} | dict(self.options or {})
        sampling = {
            "temperature": TEMPERATURE if settings["temperature"] is None else settings["temperature"],
            "max_tokens": request.settings.get("max_tokens"),
            "stop_sequences": None,
        }
        body = cohere.body(self.model_id, request) | sampling
        answer = await post(
            context,
            URL,
            body,
            {"Authorization": f"Bearer {key}"},
            key=request.id,
            stream=CohereStream(),
            hear=request.hear,
        )
        return cohere.read(answer, self.model_id)
