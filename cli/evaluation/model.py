"""The models that can be asked from the command line: `vendor:name`, with the key in the vendor's usual environment variable."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cli.evaluation.scripted import LABEL
from runtime.agents.models.chat_model import ChatModel
from runtime.agents.models.lm_chat_anthropic import LmChatAnthropic
from runtime.agents.models.lm_chat_deep_seek import LmChatDeepSeek
from runtime.agents.models.lm_chat_google_gemini import LmChatGoogleGemini
from runtime.agents.models.lm_chat_groq import LmChatGroq
from runtime.agents.models.lm_chat_mistral_cloud import LmChatMistralCloud
from runtime.agents.models.lm_chat_ollama import LmChatOllama
from runtime.agents.models.lm_chat_open_ai import LmChatOpenAi
from runtime.agents.models.lm_chat_open_router import LmChatOpenRouter
from runtime.agents.models.lm_chat_x_ai_grok import LmChatXAiGrok

__all__ = ["VENDORS", "Model", "UnknownModel", "parse_model"]


class UnknownModel(ValueError):
    """The model cannot be asked; says what to write or to set."""


@dataclass(frozen=True)
class Vendor:
    """How a vendor is reached: its model node, the node's parameter for the model, and the environment."""

    node: type[ChatModel]
    key: str
    """Environment variable with the key."""
    address: str
    """Environment variable with another base URL, e.g. of a gateway."""
    parameter: str = "model"
    address_field: str = "url"
    """Field of the credential for it."""


VENDORS: Final[dict[str, Vendor]] = {
    "openai": Vendor(LmChatOpenAi, "OPENAI_API_KEY", "OPENAI_BASE_URL"),
    "anthropic": Vendor(LmChatAnthropic, "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"),
    "google": Vendor(LmChatGoogleGemini, "GEMINI_API_KEY", "GEMINI_BASE_URL", "modelName", "host"),
    "groq": Vendor(LmChatGroq, "GROQ_API_KEY", "GROQ_BASE_URL"),
    "mistral": Vendor(LmChatMistralCloud, "MISTRAL_API_KEY", "MISTRAL_BASE_URL"),
    "deepseek": Vendor(LmChatDeepSeek, "DEEPSEEK_API_KEY", "DEEPSEEK_BASE_URL"),
    "openrouter": Vendor(LmChatOpenRouter, "OPENROUTER_API_KEY", "OPENROUTER_BASE_URL"),
    "xai": Vendor(LmChatXAiGrok, "XAI_API_KEY", "XAI_BASE_URL"),
    "ollama": Vendor(LmChatOllama, "OLLAMA_API_KEY", "OLLAMA_HOST", address_field="baseUrl"),
}
"""Vendor -> how it is reached. The nodes are those of workflows, so a model is asked exactly as in a run."""

KEYLESS: Final = frozenset({"ollama"})


@dataclass(frozen=True)
class Model:
    """A model with what is needed to ask it."""

    text: str
    """As it was named: `openai:gpt-5-mini`, or `scripted`."""
    node: type[ChatModel]
    parameters: Mapping[str, Any]
    credential: Mapping[str, Any]

    @property
    def scripted(self) -> bool:
        """Whether it is no model at all."""
        return self.text == LABEL


def parse_model(text: str, environment: Mapping[str, str]) -> Model:
    """Return the model of `vendor:name`, or the scripted one.

    Raises:
        UnknownModel: no such vendor, no name, or its key is not in the environment.
    """
    vendor_name, _, name = text.partition(":")
    if text == LABEL:
        vendor_name, name = "openai", LABEL
    vendor = VENDORS.get(vendor_name)
    if vendor is None or not name:
        raise UnknownModel(
            f"{text!r} is no model: write {LABEL}, or vendor:name with a vendor of {', '.join(VENDORS)} "
            "(openai:gpt-5-mini)"
        )
    key = LABEL if text == LABEL else environment.get(vendor.key, "")
    if not key and vendor_name not in KEYLESS:
        raise UnknownModel(f"{text}: set {vendor.key} to your key")
    address = "" if text == LABEL else environment.get(vendor.address, "")
    credential = {"apiKey": key} | ({vendor.address_field: address} if address else {})
    return Model(text, vendor.node, {vendor.parameter: name}, credential)
