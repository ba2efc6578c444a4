"""Ollama Chat Model: models on one's own machine."""

from typing import Any

from runtime.agents.dialects import ollama
from runtime.agents.dialects.chat import ModelAnswer, Request, post, sampling
from runtime.agents.dialects.ollama_stream import LineStream
from runtime.agents.models.chat_model import ChatModel
from runtime.contract import ActivityContext, Dynamic, param
from schemas.facts import CredentialUse

OPTIONS = {
    "temperature": "temperature",
    "topK": "top_k",
    "topP": "top_p",
    "frequencyPenalty": "frequency_penalty",
    "presencePenalty": "presence_penalty",
    "repeatPenalty": "repeat_penalty",
    "numCtx": "num_ctx",
    "numBatch": "num_batch",
    "numGpu": "num_gpu",
    "mainGpu": "main_gpu",
    "numThread": "num_thread",
    "numPredict": "num_predict",
    "lowVram": "low_vram",
    "penalizeNewline": "penalize_newline",
    "useMLock": "use_mlock",
    "useMMap": "use_mmap",
    "vocabOnly": "vocab_only",
}


class LmChatOllama(ChatModel):
    """The address is in the credential; a private one must be on the tenant's allow-list."""

    type = "@n8n/n8n-nodes-langchain.lmChatOllama"
    versions = (1,)
    credential_uses = (CredentialUse("ollamaApi"),)
    credential = "ollamaApi"

    model: Dynamic[str] = param("llama3.2")
    options: Dynamic[dict[str, Any]] = param({})

    async def ask(self, context: ActivityContext, request: Request) -> ModelAnswer:
        """POST one request; the timeout is long, since a local model may be slow."""
        credential = await context.credentials.get(self.credential)
        options = {"temperature": request.settings.get("temperature")} | dict(self.options or {})
        body = await ollama.body(context, self.model_id, request)
        if model_options := sampling(options, OPTIONS):
            body["options"] = model_options
        body |= sampling(options, {"keepAlive": "keep_alive", "think": "think"})
        if options.get("format", "default") != "default":
            body["format"] = options["format"]
        url = str(credential.get("baseUrl") or "http://localhost:11434").rstrip("/") + "/api/chat"
        headers = {"Authorization": f"Bearer {credential['apiKey']}"} if credential.get("apiKey") else {}
        answer = await post(
            context, url, body, headers, timeout=600.0, key=request.id, stream=LineStream(), hear=request.hear
        )
        return ollama.read(answer, self.model_id)
