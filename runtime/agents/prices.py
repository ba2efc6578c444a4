"""What a model request cost, by the list prices that the installed genai-prices has. Inside activities only."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

__all__ = ["PROVIDERS", "cost_usd", "has_price"]

PROVIDERS: Final[Mapping[str, str]] = {
    "anthropicApi": "anthropic",
    "aws": "aws",
    "azureOpenAiApi": "azure",
    "cohereApi": "cohere",
    "deepSeekApi": "deepseek",
    "googlePalmApi": "google",
    "groqApi": "groq",
    "mistralCloudApi": "mistral",
    "openAiApi": "openai",
    "openRouterApi": "openrouter",
    "xAiApi": "x-ai",
}
"""Type of credential -> provider in the price list. A model of any other provider has no price: it may be the tenant's own."""


def cost_usd(model: str, input_tokens: int, output_tokens: int, provider: str | None = None) -> float | None:
    """Return the price in US dollars; None for a model without a known price: unknown is not free.

    `provider`: one of `PROVIDERS`; without it the model's name decides. Prices are those of the package, without a request to
    anyone; discounts and cached tokens are not counted.
    """
    from genai_prices import Usage, calc_price  # noqa: PLC0415 - a second and 19 MB, at the first request

    try:
        price = calc_price(
            Usage(input_tokens=input_tokens, output_tokens=output_tokens), model_ref=model, provider_id=provider
        )
    except LookupError:
        return None
    return float(price.total_price)


@lru_cache(maxsize=1024)
def has_price(credential: str, model: str) -> bool:
    """Return whether a model has a known price. Remembered: it is asked before every request."""
    provider = PROVIDERS.get(credential)
    return provider is not None and cost_usd(model, 0, 0, provider) is not None
