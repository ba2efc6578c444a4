"""Base of chat models whose vendor speaks OpenAI's chat completions: they differ in address, key and a few options."""

from collections.abc import Mapping
from typing import Any, ClassVar

from runtime.agents.dialects import openai_chat
from runtime.agents.dialects.chat import ModelAnswer, Request, post, sampling
from runtime.agents.dialects.openai_chat_stream import ChatStream
from runtime.agents.models.chat_model import ChatModel
from runtime.contract import ActivityContext, Dynamic, param

SAMPLING = {
    "temperature": "temperature",
    "topP": "top_p",
    "frequencyPenalty": "frequency_penalty",
    "presencePenalty": "presence_penalty",
}


class OpenAiCompatible(ChatModel):
    """Subclasses name the credential and the base URL."""

    base_url: ClassVar[str]
    limit_option: ClassVar[str] = "maxTokens"
    timeout_ms: ClassVar[int] = 60_000
    streams_usage: ClassVar[bool] = True
    """Whether the vendor knows `stream_options`. False: it refuses the field, and sends what was used at the end of every stream."""

    options: Dynamic[dict[str, Any]] = param({})

    def endpoint(self, credential: Mapping[str, Any]) -> str:
        """Return the URL of chat completions. A credential may have an address of its own."""
        return str(credential.get("url") or self.base_url).rstrip("/") + "/chat/completions"

    def headers(self, credential: Mapping[str, Any]) -> dict[str, str]:
        """Return the authentication headers."""
        return {"Authorization": f"Bearer {credential.get('apiKey', '')}"}

    def extras(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return the body's fields that only this vendor has."""
        del options
        return {}

    async def ask(self, context: ActivityContext, request: Request) -> ModelAnswer:
        """POST one request with the tenant's key."""
        credential = await context.credentials.get(self.credential)
        options = {"temperature": request.settings.get("temperature")} | dict(self.options or {})
        body = await openai_chat.body(context, self.model_id, request) | sampling(options, SAMPLING)
        limit = options.get(self.limit_option) or request.settings.get("max_tokens")
        if limit and limit > 0:
            body["max_tokens"] = limit
        if options.get("responseFormat", "text") != "text":
            body["response_format"] = {"type": options["responseFormat"]}
        timeout = float(options.get("timeout") or self.timeout_ms) / 1000
        body |= self.extras(options)
        if not self.streams_usage:
            body.pop("stream_options", None)
        answer = await post(
            context, self.endpoint(credential), body, self.headers(credential), timeout=timeout, key=request.id,
            stream=ChatStream(), hear=request.hear,
        )  # fmt: skip
        return openai_chat.read(answer, self.model_id)
