"""xAI Grok Chat Model."""

from runtime.agents.models.openai_compatible import OpenAiCompatible
from runtime.contract import Dynamic, param
from schemas.facts import CredentialUse


class LmChatXAiGrok(OpenAiCompatible):
    """Grok, of xAI."""

    type = "@n8n/n8n-nodes-langchain.lmChatXAiGrok"
    versions = (1,)
    credential_uses = (CredentialUse("xAiApi"),)
    credential = "xAiApi"
    base_url = "https://api.x.ai/v1"
    timeout_ms = 360_000

    model: Dynamic[str] = param("grok-2-vision-1212")
