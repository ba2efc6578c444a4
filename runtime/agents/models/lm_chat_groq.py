"""Groq Chat Model."""

from runtime.agents.models.openai_compatible import OpenAiCompatible
from runtime.contract import Dynamic, param
from schemas.facts import CredentialUse


class LmChatGroq(OpenAiCompatible):
    """Groq names the limit otherwise."""

    type = "@n8n/n8n-nodes-langchain.lmChatGroq"
    versions = (1,)
    credential_uses = (CredentialUse("groqApi"),)
    credential = "groqApi"
    base_url = "https://api.groq.com/openai/v1"
    limit_option = "maxTokensToSample"

    model: Dynamic[str] = param("llama3-8b-8192")
