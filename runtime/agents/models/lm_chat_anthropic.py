"""Anthropic Chat Model."""

from collections.abc import Mapping
from typing import Any

from runtime.agents.dialects import anthropic
from runtime.agents.dialects.anthropic_stream import MessageStream
from runtime.agents.dialects.chat import ModelAnswer, Request, post, sampling
from runtime.agents.models.chat_model import ChatModel
from runtime.contract import ActivityContext, Dynamic, param
from schemas.facts import CredentialUse

SAMPLING = {"temperature": "temperature", "topP": "top_p", "topK": "top_k"}
LIMITS = {
    "claude-3-5-": 8192,
    "claude-3-7-": 8192,
    "claude-sonnet-4": 16384,
    "claude-opus-4": 16384,
    "claude-haiku-4": 16384,
}
OTHERS_LIMIT = 4096
"""n8n's `max_tokens` by family of models, where the author sets none."""


class LmChatAnthropic(ChatModel):
    """`max_tokens` is required by the service, so it always has a value."""

    type = "@n8n/n8n-nodes-langchain.lmChatAnthropic"
    versions = (1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6)
    credential_uses = (CredentialUse("anthropicApi"),)
    credential = "anthropicApi"

    model_name: Dynamic[str] = param(
        "claude-2",
        alias="model",
        show={"@version": [{"_cnd": {"lte": 1.2}}]},
        since={1.1: "claude-3-sonnet-20240229", 1.2: "claude-3-5-sonnet-20240620"},
    )
    model_locator: Dynamic[Any] = param(
        {"mode": "list", "value": "claude-sonnet-4-5-20250929"},
        alias="model",
        show={"@version": [{"_cnd": {"gte": 1.3}}]},
        since={
            1.4: {"mode": "list", "value": "claude-sonnet-4-6"},
            1.6: {"mode": "list", "value": "claude-sonnet-5"},
        },
    )
    options: Dynamic[dict[str, Any]] = param({})

    def wire_name(self, version: float) -> str:
        """Return the model, from whichever of its two parameters the version has."""
        if version < 1.3:
            return str(self.model_name)
        located = self.model_locator
        return str(located.get("value") if isinstance(located, Mapping) else located)

    def answers_in_parts(self, version: float, *, streamed: bool) -> bool:
        """See `ChatModel`: those that come word by word."""
        del version
        return streamed

    async def ask(self, context: ActivityContext, request: Request) -> ModelAnswer:
        """POST one request with the tenant's key."""
        credential = await context.credentials.get(self.credential)
        name = self.wire_name(context.version)
        options = {"temperature": request.settings.get("temperature")} | dict(self.options or {})
        body = await anthropic.body(context, name, request)
        thinking = _thinking(options)
        # a specialist's limit is of its answer; what a thinking model thinks counts too, and must be below the limit
        own_limit = None if thinking else request.settings.get("max_tokens")
        body["max_tokens"] = options.get("maxTokensToSample") or own_limit or _limit(name)
        body |= thinking or sampling(_without_off(options), SAMPLING)
        if options.get("promptCaching", "disabled") != "disabled":
            body["cache_control"] = {"type": "ephemeral", "ttl": options["promptCaching"]}
        base = str(credential.get("url") or "https://api.anthropic.com").rstrip("/")
        headers = {"x-api-key": str(credential.get("apiKey", "")), "anthropic-version": anthropic.VERSION}
        if credential.get("header") and credential.get("headerName"):
            headers[str(credential["headerName"])] = str(credential.get("headerValue", ""))
        answer = await post(
            context, f"{base}/v1/messages", body, headers, timeout=300.0, key=request.id,
            stream=MessageStream(), hear=request.hear,
        )  # fmt: skip
        return anthropic.read(answer, name)


def _limit(model: str) -> int:
    return next((limit for family, limit in LIMITS.items() if model.startswith(family)), OTHERS_LIMIT)


def _thinking(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a thinking model, which accepts no sampling options; n8n leaves them out."""
    mode = options.get("thinkingMode") or ("manual" if options.get("thinking") else "disabled")
    if mode == "disabled":
        return {}
    if mode == "adaptive":
        return {"thinking": {"type": "adaptive"}, "output_config": {"effort": options.get("effort", "medium")}}
    return {"thinking": {"type": "enabled", "budget_tokens": options.get("thinkingBudget", 1024)}}


def _without_off(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if not (name == "topK" and value == -1)}
