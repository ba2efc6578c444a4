"""An MQTT broker of the tests: it takes messages as version 3.1.1 of the protocol says, and keeps them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Broker", "mqtt_broker"]


@dataclass
class Broker:
    """What came: `(topic, payload, qos, retain)` of each message, and the bodies of the logins."""

    code: int = 0
    """Of the answer to a login: 0 lets in."""
    wrong_ids: bool = False
    """Whether it acknowledges messages that nobody sent."""
    messages: list[tuple[str, bytes, int, bool]] = field(default_factory=list)
    logins: list[bytes] = field(default_factory=list)
    credential: dict[str, Any] = field(default_factory=dict)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """A client said goodbye."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            while True:
                head, body = await _packet(reader)
                if not await self._answer(head, body, writer):
                    break
        except asyncio.IncompleteReadError:
            pass
        writer.close()

    async def _answer(self, head: int, body: bytes, writer: asyncio.StreamWriter) -> bool:
        match head >> 4:
            case 1:
                self.logins.append(body)
                writer.write(bytes([0x20, 2, 0, self.code]))
            case 3:
                self._keep(head, body, writer)
            case 6:
                writer.write(bytes([0x70, 2]) + body)
            case 14:
                self.ended.set()
                return False
        await writer.drain()
        return True

    def _keep(self, head: int, body: bytes, writer: asyncio.StreamWriter) -> None:
        size, qos = int.from_bytes(body[:2], "big"), head >> 1 & 3
        topic, rest = body[2 : 2 + size].decode(), body[2 + size :]
        if qos:
            id_, rest = rest[:2], rest[2:]
            writer.write(bytes([0x40 if qos == 1 else 0x50, 2]) + (b"\xff\xff" if self.wrong_ids else id_))
        self.messages.append((topic, rest, qos, bool(head & 1)))


async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    (head,) = await reader.readexactly(1)
    length, shift = 0, 0
    while True:
        (byte,) = await reader.readexactly(1)
        length |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return head, await reader.readexactly(length)


@asynccontextmanager
async def mqtt_broker(code: int = 0, *, wrong_ids: bool = False) -> AsyncIterator[Broker]:
    """Give a broker that listens."""
    broker = Broker(code, wrong_ids)
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
    broker.credential = {"protocol": "mqtt", "host": "127.0.0.1", "port": server.sockets[0].getsockname()[1]}
    try:
        yield broker
    finally:
        server.close()
