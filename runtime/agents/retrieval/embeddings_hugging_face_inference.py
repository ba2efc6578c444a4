"""Embeddings Hugging Face Inference."""

from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import quote

from runtime.agents.retrieval.embeddings import Embedded, Embeddings
from runtime.agents.retrieval.vendor_request import send
from runtime.contract import ActivityContext, Dynamic, NodeApiError, param
from schemas.diagnostic import Diagnostic, Location
from schemas.diagnostic.nodes import UnsupportedChoice
from schemas.facts import CredentialUse

_HUB: Final = "https://huggingface.co/api/models/"
_ROUTER: Final = "https://router.huggingface.co/hf-inference/models/"
_PROVIDER: Final = "hf-inference"


class EmbeddingsHuggingFaceInference(Embeddings):
    """A model of Hugging Face's own inference service, or an endpoint of one's own. The hub says under which name the service
    has the model.
    """

    type = "@n8n/n8n-nodes-langchain.embeddingsHuggingFaceInference"
    versions = (1,)
    credential_uses = (CredentialUse("huggingFaceApi"),)

    model_name: Dynamic[str] = param("sentence-transformers/distilbert-base-nli-mean-tokens")
    options: Dynamic[dict[str, Any]] = param({})

    def check(self, at: Location, version: float) -> Iterator[Diagnostic]:
        """Report a provider that is not Hugging Face itself."""
        del version
        provider = self._provider()
        if provider not in ("auto", _PROVIDER) and not provider.startswith("=") and not self._option("endpointUrl", ""):
            advice = f"choose {_PROVIDER}, or set the custom inference endpoint of the provider"
            place = at.within("parameters", "options", "provider")
            yield UnsupportedChoice(at=place, type=self.type, name="provider", value=provider, advice=advice)

    async def vectors(self, context: ActivityContext, texts: Sequence[str]) -> Embedded:
        """See `Embeddings`."""
        url = str(self._option("endpointUrl", "")) or await self._address(context)
        answer = await send(context, "POST", url, body={"inputs": list(texts)}, signed_by="huggingFaceApi")
        if not isinstance(answer, list):
            raise NodeApiError("Hugging Face gave no vectors")
        return Embedded(list(answer))

    def _provider(self) -> str:
        return str(self._option("provider", "") or "auto")

    async def _address(self, context: ActivityContext) -> str:
        """Return where the service has the model. Raise NodeApiError."""
        provider, model = self._provider(), self.model_id
        if provider not in ("auto", _PROVIDER):
            raise NodeApiError(f"The inference provider {provider} is not supported here: choose {_PROVIDER}")
        found = await send(context, "GET", f"{_HUB}{quote(model)}?expand[]=inferenceProviderMapping")
        mapping = found.get("inferenceProviderMapping") if isinstance(found, dict) else None
        offer = mapping.get(_PROVIDER) if isinstance(mapping, dict) else None
        if not isinstance(offer, dict) or not offer.get("providerId"):
            raise NodeApiError(
                f"Hugging Face's own inference service does not have the model {model}",
                description="Choose a model that hf-inference serves, or set a custom inference endpoint",
            )
        return f"{_ROUTER}{offer['providerId']}/pipeline/feature-extraction"
