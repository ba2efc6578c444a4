"""OpenAI Model: completion of a text by OpenAI's older API."""

from typing import Any

from runtime.agents.dialects.chat import ModelAnswer, Request, post, sampling
from runtime.agents.messages import assistant
from runtime.agents.models.completion_model import CompletionModel
from runtime.agents.models.lm_chat_open_ai import headers
from runtime.contract import ActivityContext, Dynamic, param
from schemas.facts import CredentialUse

OPTIONS = {
    "temperature": "temperature",
    "topP": "top_p",
    "frequencyPenalty": "frequency_penalty",
    "presencePenalty": "presence_penalty",
}


class LmOpenAi(CompletionModel):
    """Only the options that are set are sent."""

    type = "@n8n/n8n-nodes-langchain.lmOpenAi"
    versions = (1,)
    credential_uses = (CredentialUse("openAiApi"),)
    credential = "openAiApi"

    model: Dynamic[Any] = param({"mode": "list", "value": "gpt-3.5-turbo-instruct"}, required=True)
    options: Dynamic[dict[str, Any]] = param({})

    async def complete(self, context: ActivityContext, prompt: str, request: Request) -> ModelAnswer:
        """POST one request. n8n sends it to OpenAI unless the node itself names another address."""
        credential = await context.credentials.get(self.credential)
        options = {"temperature": request.settings.get("temperature")} | dict(self.options or {})
        body: dict[str, Any] = {"model": self.model_id, **sampling(options, OPTIONS)}
        limit = options.get("maxTokens") or request.settings.get("max_tokens")
        if limit and limit > 0:
            body["max_tokens"] = limit
        body |= {"n": 1, "stream": False, "prompt": [prompt]}
        base = str(options.get("baseURL") or "https://api.openai.com/v1").rstrip("/")
        timeout = float(options.get("timeout") or 60_000) / 1000
        answer = await post(context, f"{base}/completions", body, headers(credential), timeout=timeout, key=request.id)
        choices, usage = answer.get("choices") or [{}], answer.get("usage") or {}
        tokens = int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)
        return ModelAnswer(assistant(str(choices[0].get("text") or "")), str(answer.get("model") or ""), *tokens)
