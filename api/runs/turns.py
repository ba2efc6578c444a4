"""Turns at work that many streams want at once, so that other requests go in between."""

import asyncio
from collections import deque
from typing import Final

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

__all__ = ["StreamTurns", "Turns"]

STREAM: Final = "text/event-stream"
"""Media type of a handler that answers with a stream."""


class Turns:
    """One turn per round of the event loop, in the order in which they were asked for.

    What a stream does in its turn ends where it next awaits something, so nobody has to hand a turn back, and a listener that
    does not read holds up no other.
    """

    def __init__(self) -> None:
        self._waiting: Final[deque[asyncio.Future[None]]] = deque()

    async def wait(self) -> float:
        """Wait for a turn; return for how many seconds."""
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append(turn)
        if len(self._waiting) == 1:
            loop.call_soon(self._give)
        began = loop.time()
        await turn
        return loop.time() - began

    def _give(self) -> None:
        while self._waiting and self._waiting[0].done():  # its stream was closed, or had its turn
            self._waiting.popleft()
        if self._waiting:
            self._waiting[0].set_result(None)
            asyncio.get_running_loop().call_soon(self._give)


class StreamTurns(ASGIMiddleware):
    """Lets requests for streams in one at a time; outside of what costs something."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, turns: Turns) -> None:
        self._turns = turns

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Pass a request on, in its turn."""
        if getattr(scope["route_handler"], "media_type", None) == STREAM:
            await self._turns.wait()
        await next_app(scope, receive, send)
