"""Google Gemini Chat Model."""

import re
from typing import Any

from runtime.agents.dialects import gemini
from runtime.agents.dialects.chat import ModelAnswer, Request, post, sampling
from runtime.agents.dialects.gemini_stream import ContentStream
from runtime.agents.models.chat_model import ChatModel
from runtime.contract import ActivityContext, Dynamic, param
from schemas.facts import CredentialUse

CONFIG = {"temperature": "temperature", "topK": "topK", "topP": "topP", "maxOutputTokens": "maxOutputTokens"}

THINKING = re.compile(r"^(models/)?gemini-(2\.5|[3-9])")
"""Models that think unless told otherwise; a limit of the answer would count what they think before it."""


class LmChatGoogleGemini(ChatModel):
    """The model's name has the form `models/...`."""

    type = "@n8n/n8n-nodes-langchain.lmChatGoogleGemini"
    versions = (1, 1.1, 1.2)
    credential_uses = (CredentialUse("googlePalmApi"),)
    credential = "googlePalmApi"

    model: Dynamic[str] = param(
        "models/gemini-2.5-flash", alias="modelName", since={1.1: "models/gemini-3-flash-preview"}
    )
    options: Dynamic[dict[str, Any]] = param({})

    async def ask(self, context: ActivityContext, request: Request) -> ModelAnswer:
        """POST one request, with the key in a header and not in the address."""
        credential = await context.credentials.get(self.credential)
        options = {
            "temperature": request.settings.get("temperature"),
            "maxOutputTokens": None if THINKING.match(self.model_id) else request.settings.get("max_tokens"),
        }
        options |= dict(self.options or {})
        body = await gemini.body(context, request)
        if config := sampling(options, CONFIG):
            body["generationConfig"] = config
        if safety := (options.get("safetySettings") or {}).get("values"):
            body["safetySettings"] = safety if isinstance(safety, list) else [safety]
        host = str(credential.get("host") or "https://generativelanguage.googleapis.com").rstrip("/")
        name = self.model_id if "/" in self.model_id else f"models/{self.model_id}"
        method = "generateContent" if request.hear is None else "streamGenerateContent?alt=sse"
        headers = {"x-goog-api-key": str(credential.get("apiKey", ""))}
        answer = await post(
            context, f"{host}/v1beta/{name}:{method}", body, headers, timeout=300.0, key=request.id,
            stream=ContentStream(), hear=request.hear,
        )  # fmt: skip
        return gemini.read(answer, self.model_id)
