"""Ollama Model: completion by a model on one's own machine."""

from typing import Any

from runtime.agents.dialects.chat import ModelAnswer, Request, post, sampling
from runtime.agents.messages import assistant
from runtime.agents.models.completion_model import CompletionModel
from runtime.agents.models.lm_chat_ollama import OPTIONS
from runtime.contract import ActivityContext, Dynamic, param
from schemas.facts import CredentialUse


class LmOllama(CompletionModel):
    """The address is in the credential; a private one must be on the tenant's allow-list."""

    type = "@n8n/n8n-nodes-langchain.lmOllama"
    versions = (1,)
    credential_uses = (CredentialUse("ollamaApi"),)
    credential = "ollamaApi"

    model: Dynamic[str] = param("llama3.2")
    options: Dynamic[dict[str, Any]] = param({})

    async def complete(self, context: ActivityContext, prompt: str, request: Request) -> ModelAnswer:
        """POST one request; the timeout is long, since a local model may be slow."""
        credential = await context.credentials.get(self.credential)
        options = {"temperature": request.settings.get("temperature")} | dict(self.options or {})
        body: dict[str, Any] = {"model": self.model_id, "prompt": prompt, "stream": False}
        if model_options := sampling(options, OPTIONS):
            body["options"] = model_options
        body |= sampling(options, {"keepAlive": "keep_alive"})
        if options.get("format", "default") != "default":
            body["format"] = options["format"]
        url = str(credential.get("baseUrl") or "http://localhost:11434").rstrip("/") + "/api/generate"
        headers = {"Authorization": f"Bearer {credential['apiKey']}"} if credential.get("apiKey") else {}
        answer = await post(context, url, body, headers, timeout=600.0, key=request.id)
        tokens = int(answer.get("prompt_eval_count") or 0), int(answer.get("eval_count") or 0)
        return ModelAnswer(assistant(str(answer.get("response") or "")), self.model_id, *tokens)
