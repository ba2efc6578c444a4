"""A listener on the loopback interface that takes the browser back from a vendor (RFC 8252, section 7.3), for one connection."""

import asyncio
import contextlib
import hmac
from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import parse_qs, urlsplit

from service.account_links import CALLBACK

__all__ = ["AccountListener", "listening"]

READ_SECONDS: Final = 10.0
_PAGE: Final = "<!doctype html><meta charset=utf-8><title>tempor8</title><p>{}</p>"


class AccountListener:
    """Waits for the one request that has the state."""

    def __init__(self, state: str) -> None:
        self._state = state
        self._answer: asyncio.Future[tuple[str, str]] = asyncio.get_running_loop().create_future()
        self.redirect = ""

    async def code(self, seconds: float) -> tuple[str, str]:
        """Return (code, error); one of them is empty. Raise TimeoutError."""
        return await asyncio.wait_for(self._answer, seconds)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            line = (await asyncio.wait_for(reader.readline(), READ_SECONDS)).decode("latin-1")
            status, text = self._take(line.split(" ")[1] if line.count(" ") > 1 else "")
            body = _PAGE.format(text).encode()
            head = f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
            writer.write(f"{head}Referrer-Policy: no-referrer\r\nConnection: close\r\n\r\n".encode() + body)
            await writer.drain()
        writer.close()

    def _take(self, target: str) -> tuple[str, str]:
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path != CALLBACK or not hmac.compare_digest(query.get("state", "").encode(), self._state.encode()):
            return "404 Not Found", "This is not the connection that is waited for."
        if not self._answer.done():
            self._answer.set_result((query.get("code", ""), "" if query.get("code") else query.get("error", "no code")))
        return "200 OK", "You can close this page: the command line says how it went."


@contextlib.asynccontextmanager
async def listening(port: int, state: str) -> AsyncIterator[AccountListener]:
    """Yield a listener on this port of 127.0.0.1 (0: a free one). Raise OSError: the port is taken."""
    listener = AccountListener(state)
    server = await asyncio.start_server(listener.serve, "127.0.0.1", port, limit=16 * 1024)
    try:
        listener.redirect = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{CALLBACK}"
        yield listener
    finally:
        server.close()
