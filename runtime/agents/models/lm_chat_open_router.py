"""OpenRouter Chat Model: many vendors behind one address."""

from collections.abc import Mapping
from typing import Any

from runtime.agents.dialects.chat import sampling
from runtime.agents.models.openai_compatible import OpenAiCompatible
from runtime.contract import Dynamic, param
from schemas.facts import CredentialUse

LISTS = {"order": "order", "only": "only", "ignore": "ignore"}
VALUES = {
    "allowFallbacks": "allow_fallbacks",
    "requireParameters": "require_parameters",
    "dataCollection": "data_collection",
    "zdr": "zdr",
}


class LmChatOpenRouter(OpenAiCompatible):
    """Options may choose the vendors."""

    type = "@n8n/n8n-nodes-langchain.lmChatOpenRouter"
    versions = (1,)
    credential_uses = (CredentialUse("openRouterApi"),)
    credential = "openRouterApi"
    base_url = "https://openrouter.ai/api/v1"
    timeout_ms = 360_000

    model: Dynamic[str] = param("openai/gpt-4.1-mini")

    def extras(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return `provider`, see https://openrouter.ai/docs/features/provider-routing."""
        routing = options.get("providerRouting") or {}
        preferences: dict[str, Any] = {
            wire: [each.strip() for each in str(routing[name]).split(",") if each.strip()]
            for name, wire in LISTS.items()
            if routing.get(name)
        }
        preferences |= sampling(routing, VALUES) | ({"sort": routing["sort"]} if routing.get("sort") else {})
        return {"provider": preferences} if preferences else {}
