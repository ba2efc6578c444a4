"""xAI Grok Chat Model."""

from typing import ClassVar

from runtime.agents.openai_compatible import OpenAiCompatible
from runtime.contract import Dynamic, param


class LmChatXAiGrok(OpenAiCompatible):
    """Grok, of xAI."""

    type = "@n8n/n8n-nodes-langchain.lmChatXAiGrok"
    versions = (1,)
    credential_types: ClassVar[tuple[str, ...]] = ("xAiApi",)
    credential = "xAiApi"
    base_url = "https://api.x.ai/v1"
    timeout_ms = 360_000

    model: Dynamic[str] = param("grok-2-vision-1212")
