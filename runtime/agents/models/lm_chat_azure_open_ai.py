"""Azure OpenAI Chat Model: OpenAI's models as deployments of a resource."""

from collections.abc import Iterator, Mapping
from typing import Any

from runtime.agents.models.openai_compatible import OpenAiCompatible
from runtime.contract import Dynamic, param
from schemas.diagnostic import Diagnostic, Location
from schemas.diagnostic.nodes import UnsupportedChoice
from schemas.facts import CredentialUse

KEY = "azureOpenAiApi"


class LmChatAzureOpenAi(OpenAiCompatible):
    """The model is the name of a deployment; the key goes in a header of its own."""

    type = "@n8n/n8n-nodes-langchain.lmChatAzureOpenAi"
    versions = (1,)
    credential_uses = (CredentialUse(KEY),)
    credential = KEY
    base_url = ""

    authentication: str = param(KEY)
    model: Dynamic[str] = param("", required=True, label="Model (Deployment) Name")

    def check(self, at: Location, version: float) -> Iterator[Diagnostic]:
        """Report Entra authentication, which is not supported yet."""
        del version
        if self.authentication != KEY:
            where = at.within("parameters", "authentication")
            yield UnsupportedChoice(
                at=where, type="lmChatAzureOpenAi", name="authentication", value=self.authentication
            )

    def endpoint(self, credential: Mapping[str, Any]) -> str:
        """Return `<resource>/openai/deployments/<deployment>/chat/completions`."""
        base = credential.get("endpoint") or f"https://{credential.get('resourceName', '')}.openai.azure.com"
        version = credential.get("apiVersion") or "2024-10-21"
        return f"{str(base).rstrip('/')}/openai/deployments/{self.model}/chat/completions?api-version={version}"

    def headers(self, credential: Mapping[str, Any]) -> dict[str, str]:
        """Return the header `api-key`."""
        return {"api-key": str(credential.get("apiKey", ""))}
