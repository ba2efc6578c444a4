"""OpenAI Chat Model: any service that speaks OpenAI's chat completions or, from version 1.3, its Responses API."""

import json
import re
from collections.abc import Mapping
from typing import Any

from runtime.agents.chat_model import ChatModel
from runtime.agents.dialects import openai_chat, openai_responses
from runtime.agents.dialects.chat import ModelAnswer, Request, post, sampling
from runtime.contract import ActivityContext, Dynamic, NodeError, param
from schemas.facts import CredentialUse

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
    """n8n sends only the options that are set, and so do we."""

    type = "@n8n/n8n-nodes-langchain.lmChatOpenAi"
    versions = (1, 1.1, 1.2, 1.3)
    credential_uses = (CredentialUse("openAiApi"),)
    credential = "openAiApi"

    model_name: Dynamic[str] = param("gpt-5-mini", alias="model", hide={"@version": [{"_cnd": {"gte": 1.2}}]})
    model_locator: Dynamic[Any] = param(
        {"mode": "list", "value": "gpt-5-mini"},
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
        """The model under either of its declarations."""
        return (
            self.model_locator
            if isinstance(self.model_locator, str)
            else self.model_locator.get("value") or self.model_name
        )

    async def ask(self, context: ActivityContext, request: Request) -> ModelAnswer:
        """One POST, with the tenant's key."""
        credential = await context.credentials.get(self.credential)
        options = {"temperature": request.settings.get("temperature")} | dict(self.options)
        base = (
            options.get("baseURL") or credential.get("url") or credential.get("baseURL") or "https://api.openai.com/v1"
        )
        timeout = float(options.get("timeout") or 60_000) / 1000
        base = str(base).rstrip("/")
        if context.version < 1.3 or not self.responses_api_enabled:
            body = await openai_chat.body(context, self.named, request) | self._chat(options, request)
            answer = await post(
                context, f"{base}/chat/completions", body, headers(credential), timeout=timeout, key=request.id
            )
            return openai_chat.read(answer, self.named)
        body = await openai_responses.body(context, self.named, request) | self._responses(options)
        if built_in := self._built_in():
            body["tools"] = [*body.get("tools", []), *built_in]
        answer = await post(context, f"{base}/responses", body, headers(credential), timeout=timeout, key=request.id)
        return openai_responses.read(answer, self.named)

    def _chat(self, options: Mapping[str, Any], request: Request) -> dict[str, Any]:
        made = sampling(options, CHAT)
        limit = options.get("maxTokens") or request.settings.get("max_tokens")
        if limit and limit > 0:
            made["max_completion_tokens" if REASONING.match(self.named) else "max_tokens"] = limit
        if REASONING.match(self.named):
            made.pop("temperature", None) if "temperature" not in self.options else None
            made |= sampling(options, {"reasoningEffort": "reasoning_effort"})
        if options.get("responseFormat", "text") != "text":
            made["response_format"] = {"type": options["responseFormat"]}
        return made | _object(options.get("extraBody"), "Extra Body")

    def _responses(self, options: Mapping[str, Any]) -> dict[str, Any]:
        made = sampling(options, RESPONSES)
        if (limit := options.get("maxTokens")) and limit > 0:
            made["max_output_tokens"] = limit
        if options.get("reasoningEffort") and REASONING.match(self.named):
            made["reasoning"] = {"effort": options["reasoningEffort"]}
        if options.get("metadata"):
            made["metadata"] = _object(options["metadata"], "Metadata")
        if (text := _text_format(options)) is not None:
            made["text"] = text
        return made | _object(options.get("extraBody"), "Extra Body")

    def _built_in(self) -> list[dict[str, Any]]:
        """Tools that run at OpenAI: web search, file search, code interpreter."""
        wanted, made = dict(self.built_in_tools or {}), list[dict[str, Any]]()
        if (search := wanted.get("webSearch")) is not None:
            made.append(_web_search(search))
        if (files := wanted.get("fileSearch")) is not None:
            made.append(_file_search(files))
        if wanted.get("codeInterpreter"):
            made.append({"type": "code_interpreter", "container": {"type": "auto"}})
        return made


def headers(credential: Mapping[str, Any]) -> dict[str, str]:
    """Authorization, organisation, and the one header that n8n's credential may add."""
    made = {"Authorization": f"Bearer {credential.get('apiKey', '')}"}
    if credential.get("organizationId"):
        made["OpenAI-Organization"] = str(credential["organizationId"])
    if credential.get("header") and credential.get("headerName"):
        made[str(credential["headerName"])] = str(credential.get("headerValue", ""))
    return made


def _object(value: Any, name: str) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value or "{}")
        except ValueError:
            raise NodeError(f"The option '{name}' is not valid JSON") from None
    return dict(value or {})


def _web_search(wanted: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "web_search", "search_context_size": wanted.get("searchContextSize", "medium")}
    place = {key: wanted[key] for key in ("country", "city", "region") if wanted.get(key)}
    if place:
        made["user_location"] = {"type": "approximate"} | place
    domains = [each.strip() for each in str(wanted.get("allowedDomains") or "").split(",") if each.strip()]
    return made | ({"filters": {"allowed_domains": domains}} if domains else {})


def _file_search(wanted: Mapping[str, Any]) -> dict[str, Any]:
    stores = wanted.get("vectorStoreIds") or "[]"
    made: dict[str, Any] = {
        "type": "file_search",
        "vector_store_ids": json.loads(stores) if isinstance(stores, str) else stores,
    }
    if filters := _object(wanted.get("filters"), "Filters"):
        made["filters"] = filters
    return made | ({"max_num_results": wanted["maxResults"]} if wanted.get("maxResults") else {})


def _text_format(options: Mapping[str, Any]) -> dict[str, Any] | None:
    chosen = ((options.get("textFormat") or {}).get("textOptions") or [None])[0]
    if not chosen or chosen.get("type") in (None, "", "text"):
        return None
    made: dict[str, Any] = {"type": chosen["type"]}
    if chosen["type"] == "json_schema":
        made |= {"name": chosen.get("name", "my_schema"), "schema": _object(chosen.get("schema"), "Schema")}
        made |= {key: chosen[key] for key in ("description", "strict") if chosen.get(key)}
    return {"format": made} | ({"verbosity": chosen["verbosity"]} if chosen.get("verbosity") else {})
