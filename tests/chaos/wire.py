"""A network between a process and a server that can be cut."""

import asyncio
import contextlib

__all__ = ["Wire"]


class Wire:
    """A TCP connection between a process and a server that can be cut: open connections break, new ones are refused."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._target = ("", 0)
        self._open: set[asyncio.StreamWriter] = set()
        self._cut = False
        self.address = ""

    async def start(self) -> None:
        """Listen; `to` says where it leads."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        self.address = f"{host}:{port}"

    def to(self, address: str) -> str:
        """Lead to this server; gives the address to use instead of its own."""
        host, _, port = address.rpartition(":")
        self._target = (host, int(port))
        return self.address

    async def cut(self, seconds: float) -> None:
        """Nothing comes through for so long."""
        self._cut = True
        for writer in list(self._open):
            writer.transport.abort()
        await asyncio.sleep(seconds)
        self._cut = False

    async def stop(self) -> None:
        """Close everything."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._open):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut:
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, back}
        await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        self._open -= {writer, back}

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65_536):
                sink.write(data)
                await sink.drain()
        sink.transport.abort()
