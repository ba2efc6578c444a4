"""DeepSeek Chat Model."""

from runtime.agents.models.openai_compatible import OpenAiCompatible
from runtime.contract import Dynamic, param
from schemas.facts import CredentialUse


class LmChatDeepSeek(OpenAiCompatible):
    """DeepSeek may think for minutes."""

    type = "@n8n/n8n-nodes-langchain.lmChatDeepSeek"
    versions = (1,)
    credential_uses = (CredentialUse("deepSeekApi"),)
    credential = "deepSeekApi"
    base_url = "https://api.deepseek.com"
    timeout_ms = 360_000

    model: Dynamic[str] = param("deepseek-chat")
