"""Debian's Chromium on the console, over a wire that a test can cut."""

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import uvicorn
from litestar import Litestar
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright, expect

from tests.patience import PATIENCE

__all__ = ["CHROMIUM", "SCREENSHOTS", "Wire", "chromium", "serving", "watched_page"]

CHROMIUM: Final = shutil.which("chromium")
SCREENSHOTS: Final = Path(__file__).parents[3] / "build" / "console"
"""What the tests leave to look at."""
expect.set_options(timeout=PATIENCE * 1000)


class Wire:
    """A port in front of a server. While it is cut, connections are closed and new ones are refused."""

    def __init__(self, port: int) -> None:
        self._to, self.port = port, 0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """Return the address of the site."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def connections(self) -> int:
        """How many are open, both ends counted."""
        return len(self._open)

    async def mend(self) -> None:
        """Listen (again, at the same port)."""
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Close every connection, and listen no more."""
        assert self._server is not None
        self._server.close()
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()
        await asyncio.sleep(0.05)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._to)
        self._open |= {writer, back}
        await asyncio.gather(_copy(reader, back), _copy(there, writer))
        self._open -= {writer, back}


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(ConnectionError):
        writer.close()


@contextlib.asynccontextmanager
async def serving(application: Litestar) -> AsyncIterator[Wire]:
    """Serve an application whose lifespan somebody else has begun, and yield the wire to it."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(application, lifespan="off", log_config=None, ws="none")
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        task = asyncio.create_task(server.serve([listener]))
        wire = Wire(listener.getsockname()[1])
        await wire.mend()
        try:
            yield wire
        finally:
            await wire.cut()
            server.should_exit = server.force_exit = True
            await task


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Start Chromium; as root it has no sandbox of its own."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            await browser.close()


@contextlib.asynccontextmanager
async def watched_page(browser: Browser, **options: Any) -> AsyncIterator[Page]:
    """Yield a page. Errors of scripts, and anything that the policy of the pages refused, fail the test in the end."""
    context: BrowserContext = await browser.new_context(**options)
    context.set_default_timeout(PATIENCE * 1000)
    page, complaints = await context.new_page(), []

    def listen(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            complaints.append(message.text)

    page.on("console", listen)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    try:
        yield page
    finally:
        await context.close()
    assert complaints == []
