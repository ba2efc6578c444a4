"""Requests of vendors' nodes that ask a model: which they are, and what their answers say that they used."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import urlsplit

from runtime.contract import ActivityContext
from runtime.http import Json, Multipart, Request
from runtime.integrations.descriptor import Descriptor

__all__ = ["TOKENS", "asks_model", "metered_response", "tokens_of"]

TOKENS: Final = " tokens"
"""Among what the requests of a run share: the tokens that it has used; no step has such a name."""
_IN_PATH: Final = re.compile(r"/models/([^/:]+):")
_TOLD: Final = (
    ("usage", "input_tokens", ("output_tokens",)),
    ("usage", "prompt_tokens", ("completion_tokens",)),
    ("usageMetadata", "promptTokenCount", ("candidatesTokenCount", "thoughtsTokenCount")),
)
"""Member of an answer, what went in, what came out."""


class _Response(Protocol):
    @property
    def body(self) -> Any: ...


R = TypeVar("R", bound=_Response)


def asks_model(descriptor: Descriptor, request: Request) -> bool:
    """Return whether a request asks a model, which limits of models are for."""
    return request.method == "POST" and urlsplit(request.url).path.endswith(tuple(descriptor.asks_models))


async def metered_response(
    context: ActivityContext, request: Request, ask: Callable[[], Awaitable[R]], *, credential: str, shared: dict[str, Any]
) -> R:  # fmt: skip
    """Return the response to a request that asks a model, unless a limit is reached; count what it used. Raise NodeError.

    Args:
        context: of the activity.
        request: what is sent.
        ask: sends it.
        credential: its type; empty: there is none.
        shared: what the requests of the run share.
    """
    from runtime.agents.models.metering import Used, metered  # noqa: PLC0415 - a clock and prices are for activities

    model = _model(request)

    def used(response: R) -> Used:
        tokens = tokens_of(response.body)
        shared[TOKENS] = shared.get(TOKENS, 0) + sum(tokens)
        return Used(model, *tokens)

    return await metered(
        context, ask, used, node=context.name, agent=context.name, credential=credential, model=model, spent=shared.get(TOKENS, 0)
    )  # fmt: skip


def tokens_of(body: Any) -> tuple[int, int]:
    """Return how many tokens went in and came out, as an answer says; zeros where it says nothing."""
    for name, taken, given in _TOLD:
        told = body.get(name) if isinstance(body, Mapping) else None
        if isinstance(told, Mapping) and taken in told:
            return _count(told[taken]), sum(_count(told.get(each)) for each in given)
    return 0, 0


def _count(tokens: Any) -> int:
    """Return a number of tokens; 0 for what a server says in place of one."""
    return int(tokens) if isinstance(tokens, int | float) and not isinstance(tokens, bool) else 0


def _model(request: Request) -> str:
    """Return the name of the model that is asked, which the body has, or the path."""
    body = request.body
    if isinstance(body, Multipart):
        parts = (each.content for each in body.parts if each.name == "model" and each.filename is None)
        named: Any = next((part.decode() for part in parts if isinstance(part, bytes)), None)
    else:
        named = body.value.get("model") if isinstance(body, Json) and isinstance(body.value, Mapping) else None
    if isinstance(named, str) and named:
        return named
    found = _IN_PATH.search(urlsplit(request.url).path)
    return found[1] if found else ""
