"""Groq Chat Model."""

from typing import ClassVar

from runtime.agents.openai_compatible import OpenAiCompatible
from runtime.contract import Dynamic, param


class LmChatGroq(OpenAiCompatible):
    """Groq names the limit otherwise."""

    type = "@n8n/n8n-nodes-langchain.lmChatGroq"
    versions = (1,)
    credential_types: ClassVar[tuple[str, ...]] = ("groqApi",)
    credential = "groqApi"
    base_url = "https://api.groq.com/openai/v1"
    limit_option = "maxTokensToSample"

    model: Dynamic[str] = param("llama3-8b-8192")
