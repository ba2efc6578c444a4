"""Short-lived tokens in memory, each asked for once."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

__all__ = ["TokenCache"]

MAX_TOKENS: Final = 1024
MARGIN_SECONDS: Final = 60.0
"""Seconds before its end from which on a token is not given out: the request that it signs takes a while."""


@dataclass(frozen=True)
class _Token:
    text: str
    until: float


class TokenCache:
    """Tokens by tenant and what they were asked with."""

    def __init__(self) -> None:
        self._tokens: OrderedDict[tuple[str, str], _Token] = OrderedDict()
        self._asking: dict[tuple[str, str], asyncio.Task[str]] = {}

    async def get(self, tenant: str, key: str, ask: Callable[[], Awaitable[tuple[str, float]]]) -> str:
        """Return a token. Raise what `ask` raises.

        Args:
            tenant: whose it is.
            key: digest of what it is asked with.
            ask: returns a token and for how many seconds it is valid; of several callers one is asked.
        """
        place = tenant, key
        token = self._tokens.get(place)
        if token is not None and time.monotonic() < token.until:
            self._tokens.move_to_end(place)
            return token.text
        asking = self._asking.get(place)
        if asking is None:
            asking = self._asking[place] = asyncio.create_task(self._ask(place, ask))
            asking.add_done_callback(lambda done: self._done(place, done))
        return await asyncio.shield(asking)

    def _done(self, place: tuple[str, str], task: asyncio.Task[str]) -> None:
        self._asking.pop(place, None)
        if not task.cancelled():
            task.exception()  # whoever waited has it; it may be that nobody did

    async def _ask(self, place: tuple[str, str], ask: Callable[[], Awaitable[tuple[str, float]]]) -> str:
        text, seconds = await ask()
        self._tokens[place] = _Token(text, time.monotonic() + seconds - MARGIN_SECONDS)
        if len(self._tokens) > MAX_TOKENS:
            self._tokens.popitem(last=False)
        return text
