"""OpenAI Chat Model: any service that speaks OpenAI's chat completions or, from version 1.3, its Responses API."""

import json
import re
from collections.abc import Mapping
from typing import Any

from runtime.agents.dialects import openai_chat, openai_responses
from runtime.agents.dialects.chat import ModelAnswer, Request, post, sampling
from runtime.agents.dialects.openai_chat_stream import ChatStream
from runtime.agents.dialects.openai_responses_stream import ResponseStream
from runtime.agents.models.chat_model import ChatModel, model_id
from runtime.contract import ActivityContext, Dynamic, NodeError, param
from schemas.facts import CredentialUse

DEFAULT = "gpt-5-mini"
REASONING = re.compile(r"^o\d|^gpt-5")
CHAT = {
    "temperature": "temperature",
    "topP": "top_p",
    "frequencyPenalty": "frequency_penalty",
    "presencePenalty": "presence_penalty",
}
RESPONSES = {
    "temperature": "temperature",
    "topP": "top_p",
    "serviceTier": "service_tier",
    "promptCacheKey": "prompt_cache_key",
    "safetyIdentifier": "safety_identifier",
    "topLogprobs": "top_logprobs",
    "conversationId": "conversation",
}


class LmChatOpenAi(ChatModel):
    """Only the options that are set are sent, as in n8n."""

    type = "@n8n/n8n-nodes-langchain.lmChatOpenAi"
    versions = (1, 1.1, 1.2, 1.3)
    credential_uses = (CredentialUse("openAiApi"),)
    credential = "openAiApi"

    model_name: Dynamic[str] = param(DEFAULT, alias="model", hide={"@version": [{"_cnd": {"gte": 1.2}}]})
    model_locator: Dynamic[Any] = param(
        {"mode": "list", "value": DEFAULT},
        alias="model",
        hide={"@version": [{"_cnd": {"lte": 1.1}}]},
        required=True,
    )
    responses_api_enabled: Dynamic[bool] = param(True, show={"@version": [{"_cnd": {"gte": 1.3}}]})
    built_in_tools: Dynamic[dict[str, Any]] = param(
        {}, show={"@version": [{"_cnd": {"gte": 1.3}}], "/responsesApiEnabled": [True]}
    )
    options: Dynamic[dict[str, Any]] = param({})

    @property
    def model(self) -> Any:
        """The model, from whichever of its two parameters the version has; the other one has its default."""
        return self.model_name if self.model_name != DEFAULT else model_id(self.model_locator) or DEFAULT

    def answers_in_parts(self, version: float, *, streamed: bool) -> bool:
        """See `ChatModel`: those of the Responses API."""
        del streamed
        return version >= 1.3 and bool(self.responses_api_enabled)

    async def ask(self, context: ActivityContext, request: Request) -> ModelAnswer:
        """POST one request with the tenant's key."""
        credential = await context.credentials.get(self.credential)
        # a reasoning model takes no temperature, and a limit would count what it thinks before it answers
        settings = {} if REASONING.match(self.model_id) else request.settings
        options = {"temperature": settings.get("temperature"), "maxTokens": settings.get("max_tokens")} | dict(
            self.options
        )
        base = (
            options.get("baseURL") or credential.get("url") or credential.get("baseURL") or "https://api.openai.com/v1"
        )
        timeout = float(options.get("timeout") or 60_000) / 1000
        base = str(base).rstrip("/")
        if context.version < 1.3 or not self.responses_api_enabled:
            body = await openai_chat.body(context, self.model_id, request) | self._chat(options)
            answer = await post(
                context, f"{base}/chat/completions", body, headers(credential), timeout=timeout, key=request.id,
                stream=ChatStream(), hear=request.hear,
            )  # fmt: skip
            return openai_chat.read(answer, self.model_id)
        body = await openai_responses.body(context, self.model_id, request) | self._responses(options)
        if built_in := self._built_in():
            body["tools"] = [*body.get("tools", []), *built_in]
        answer = await post(
            context, f"{base}/responses", body, headers(credential), timeout=timeout, key=request.id,
            stream=ResponseStream(), hear=request.hear,
        )  # fmt: skip
        return openai_responses.read(answer, self.model_id)

    def _chat(self, options: Mapping[str, Any]) -> dict[str, Any]:
        result = sampling(options, CHAT)
        if (limit := options.get("maxTokens")) and limit > 0:
            result["max_completion_tokens" if REASONING.match(self.model_id) else "max_tokens"] = limit
        if REASONING.match(self.model_id):
            result |= sampling(options, {"reasoningEffort": "reasoning_effort"})
        if options.get("responseFormat", "text") != "text":
            result["response_format"] = {"type": options["responseFormat"]}
        return result | _object(options.get("extraBody"), "Extra Body")

    def _responses(self, options: Mapping[str, Any]) -> dict[str, Any]:
        result = sampling(options, RESPONSES)
        if (limit := options.get("maxTokens")) and limit > 0:
            result["max_output_tokens"] = limit
        if options.get("reasoningEffort") and REASONING.match(self.model_id):
            result["reasoning"] = {"effort": options["reasoningEffort"]}
        if options.get("metadata"):
            result["metadata"] = _object(options["metadata"], "Metadata")
        if (text := _text_format(options)) is not None:
            result["text"] = text
        return result | _object(options.get("extraBody"), "Extra Body")

    def _built_in(self) -> list[dict[str, Any]]:
        """Return the tools that run at OpenAI: web search, file search, code interpreter."""
        options, result = dict(self.built_in_tools or {}), list[dict[str, Any]]()
        if (search := options.get("webSearch")) is not None:
            result.append(_web_search(search))
        if (files := options.get("fileSearch")) is not None:
            result.append(_file_search(files))
        if options.get("codeInterpreter"):
            result.append({"type": "code_interpreter", "container": {"type": "auto"}})
        return result


def headers(credential: Mapping[str, Any]) -> dict[str, str]:
    """Return authorization, organisation, and the one header that n8n's credential may add."""
    result = {"Authorization": f"Bearer {credential.get('apiKey', '')}"}
    if credential.get("organizationId"):
        result["OpenAI-Organization"] = str(credential["organizationId"])
    if credential.get("header") and credential.get("headerName"):
        result[str(credential["headerName"])] = str(credential.get("headerValue", ""))
    return result


def _object(value: Any, name: str) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value or "{}")
        except ValueError:
            raise NodeError(f"The option '{name}' is not valid JSON") from None
    return dict(value or {})


def _web_search(options: Mapping[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {"type": "web_search", "search_context_size": options.get("searchContextSize", "medium")}
    place = {key: options[key] for key in ("country", "city", "region") if options.get(key)}
    if place:
        result["user_location"] = {"type": "approximate"} | place
    domains = [each.strip() for each in str(options.get("allowedDomains") or "").split(",") if each.strip()]
    return result | ({"filters": {"allowed_domains": domains}} if domains else {})


def _file_search(options: Mapping[str, Any]) -> dict[str, Any]:
    stores = options.get("vectorStoreIds") or "[]"
    result: dict[str, Any] = {
        "type": "file_search",
        "vector_store_ids": json.loads(stores) if isinstance(stores, str) else stores,
    }
    if filters := _object(options.get("filters"), "Filters"):
        result["filters"] = filters
    return result | ({"max_num_results": options["maxResults"]} if options.get("maxResults") else {})


def _text_format(options: Mapping[str, Any]) -> dict[str, Any] | None:
    text_options = ((options.get("textFormat") or {}).get("textOptions") or [None])[0]
    if not text_options or text_options.get("type") in (None, "", "text"):
        return None
    result: dict[str, Any] = {"type": text_options["type"]}
    if text_options["type"] == "json_schema":
        result |= {
            "name": text_options.get("name", "my_schema"),
            "schema": _object(text_options.get("schema"), "Schema"),
        }
        result |= {key: text_options[key] for key in ("description", "strict") if text_options.get(key)}
    return {"format": result} | ({"verbosity": text_options["verbosity"]} if text_options.get("verbosity") else {})
