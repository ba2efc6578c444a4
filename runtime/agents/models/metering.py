"""What a request to a model may use and has used: admitted before it, recorded after it, whoever asks. For activities: a clock, and prices."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from runtime.agents.prices import PROVIDERS, cost_usd, has_price
from runtime.contract import ActivityContext, LimitReached

__all__ = ["Used", "metered"]

T = TypeVar("T")


@dataclass(frozen=True)
class Used:
    """What an answer says of itself."""

    model: str
    input_tokens: int
    output_tokens: int


async def metered(
    context: ActivityContext, ask: Callable[[], Awaitable[T]], used: Callable[[T], Used], *, node: str, agent: str, credential: str,
    model: str, spent: int,
) -> T:  # fmt: skip
    """Return the answer of `ask`, a request to a model, unless a limit of models is reached; record what it used, also if it fails.

    Args:
        context: of the activity.
        ask: sends the request.
        used: reads of the answer what it used.
        node: whose step it is.
        agent: under which name it is counted.
        credential: type of the credential, which says the provider.
        model: the one that is asked for.
        spent: tokens that the step has used before.

    Raises:
        LimitReached: of tokens of the step, or those of the run, the day and money.
    """
    if spent >= context.models.token_limit:
        raise LimitReached(
            f"The limit of {context.models.token_limit} model tokens for one run of a node is reached",
            description="Raise TEMPOR8_TOKENS_PER_STEP, or give the node fewer items or turns",
        )
    step = f"{node}/{context.run_index}"
    await context.models.admit(step, priced=has_price(credential, model))
    began, started = time.time(), time.perf_counter()
    known: Used | None = None
    try:
        answer = await ask()
        known = used(answer)
        return answer
    finally:
        milliseconds = round((time.perf_counter() - started) * 1000)
        tokens = (known.input_tokens, known.output_tokens) if known else (0, 0)
        row: dict[str, Any] = {
            "agent": agent, "node": node, "model": known.model if known else model, "requests": 1,
            "input_tokens": tokens[0], "output_tokens": tokens[1], "duration_ms": milliseconds,
            "status": "success" if known else "error", "started": round(began * 1000),
        }  # fmt: skip
        provider = PROVIDERS.get(credential)
        # An answer that does not say what it used has no price: unknown is not free.
        cost = cost_usd(known.model, *tokens, provider) if known and provider and any(tokens) else None
        if cost is not None:
            row["cost_usd"] = cost
        context.usage.append(row)
        await context.models.spend(step, tokens=sum(tokens), cost_usd=cost, seconds=milliseconds / 1000)
