"""Mistral Cloud Chat Model."""

from collections.abc import Mapping
from typing import Any

from runtime.agents.dialects.chat import sampling
from runtime.agents.models.openai_compatible import OpenAiCompatible
from runtime.contract import Dynamic, param
from schemas.facts import CredentialUse


class LmChatMistralCloud(OpenAiCompatible):
    """Mistral adds a prompt that keeps answers decent, and a seed."""

    type = "@n8n/n8n-nodes-langchain.lmChatMistralCloud"
    versions = (1,)
    credential_uses = (CredentialUse("mistralCloudApi"),)
    credential = "mistralCloudApi"
    base_url = "https://api.mistral.ai/v1"
    streams_usage = False

    model: Dynamic[str] = param("mistral-small")

    def extras(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return `safe_prompt` and `random_seed` where they are set."""
        return sampling(options, {"safeMode": "safe_prompt", "randomSeed": "random_seed"})
