"""Messages to an MQTT broker (version 3.1.1 of the protocol) that a tenant names, on a socket that the egress guard checked."""

import asyncio
import contextlib
import secrets
import ssl
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from runtime.platform.guarded_socket import ConnectError, connect, port_of

__all__ = ["MqttError", "publish"]

_SECONDS: Final = 300.0
"""How long a session may take."""
_KEEP_ALIVE: Final = 60
_MAX_PACKET: Final = 1 << 20
"""Bytes of a packet from the broker: those that it sends to a publisher have a few."""
_MAX_LENGTH: Final = 268_435_455
_CONNECT, _CONNACK, _PUBLISH, _PUBACK, _PUBREC, _PUBREL, _PUBCOMP, _DISCONNECT = 1, 2, 3, 4, 5, 6, 7, 14
_REASONS: Final = {
    1: "Unacceptable protocol version",
    2: "Identifier rejected",
    3: "Server unavailable",
    4: "Bad username or password",
    5: "Not authorized",
}
Message = tuple[str, bytes, int, bool]
"""Topic, payload, quality of service, whether the broker keeps it."""


class MqttError(Exception):
    """The broker cannot be reached, or refuses. The message is that of n8n's client where it has one."""


async def publish(allow: Iterable[str], server: Mapping[str, Any], messages: Sequence[Message]) -> None:
    """Send messages through the broker of an `mqtt` credential; return when each is acknowledged as its quality asks.

    Raises:
        MqttError: the broker cannot be reached, or refuses.
        EgressRefused: the tenant may not go there.
    """
    host = str(server.get("host") or "")
    if server.get("protocol") == "ws":
        raise MqttError("MQTT over WebSocket is not supported: choose mqtt or mqtts in the credential")
    secure = server.get("protocol") == "mqtts" or bool(server.get("ssl"))
    try:
        sock = await connect(allow, host, port_of(server, 1883))
    except ConnectError as error:
        raise MqttError(str(error)) from error
    try:
        async with asyncio.timeout(_SECONDS):
            context = _context(server) if secure else None
            reader, writer = await asyncio.open_connection(
                sock=sock, ssl=context, server_hostname=host if secure else None
            )
            try:
                await _Session(reader, writer).run(server, messages)
            finally:
                writer.close()
                with contextlib.suppress(OSError, ssl.SSLError):
                    await writer.wait_closed()
    except TimeoutError as error:
        raise MqttError(f"The broker did not answer within {_SECONDS:g} seconds") from error
    except asyncio.IncompleteReadError as error:
        raise MqttError("Connection closed") from error
    except (OSError, ssl.SSLError, ValueError) as error:
        raise MqttError(str(error) or type(error).__name__) from error
    finally:
        sock.close()


def _context(server: Mapping[str, Any]) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=str(server.get("ca") or "") or None)
    if server.get("cert") or server.get("key"):
        raise MqttError("Client certificates for MQTT are not supported: log in by user and password")
    if server.get("ssl") and not server.get("rejectUnauthorized"):
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # n8n's default
    return context


class _Session:
    """A session of a publisher: one message after the other, so that every answer is to the last one."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def run(self, server: Mapping[str, Any], messages: Sequence[Message]) -> None:
        """Log in, send, and say goodbye."""
        await self._send(_CONNECT << 4, _connect(server))
        code = (await self._expect(_CONNACK, 2))[1]
        if code:
            raise MqttError(f"Connection refused: {_REASONS.get(code, f'code {code}')}")
        for number, message in enumerate(messages):
            await self._publish(number % 0xFFFF + 1, *message)
        await self._send(_DISCONNECT << 4, b"")

    async def _publish(self, number: int, topic: str, payload: bytes, qos: int, retain: bool) -> None:
        id_ = number.to_bytes(2, "big")
        head = _PUBLISH << 4 | qos << 1 | retain
        await self._send(head, _text(topic) + (id_ if qos else b"") + payload)
        if qos == 1:
            await self._acknowledged(_PUBACK, id_)
        elif qos == 2:
            await self._acknowledged(_PUBREC, id_)
            await self._send(_PUBREL << 4 | 2, id_)
            await self._acknowledged(_PUBCOMP, id_)

    async def _acknowledged(self, kind: int, id_: bytes) -> None:
        if await self._expect(kind, len(id_)) != id_:
            raise MqttError("The broker acknowledged another message")

    async def _send(self, head: int, body: bytes) -> None:
        if len(body) > _MAX_LENGTH:
            raise MqttError(f"A message of MQTT has at most {_MAX_LENGTH:,} bytes")
        self._writer.write(bytes([head]) + _length(len(body)) + body)
        await self._writer.drain()

    async def _expect(self, kind: int, size: int) -> bytes:
        """Return the body of a packet of this kind and size. Raise MqttError for another one."""
        (head,) = await self._reader.readexactly(1)
        length, shift = 0, 0
        while True:
            (byte,) = await self._reader.readexactly(1)
            length |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
            if length > _MAX_PACKET or shift > 21:
                raise MqttError("The broker's answer is none of MQTT")
        if head >> 4 != kind or length != size:
            raise MqttError("The broker's answer is none of MQTT")
        return await self._reader.readexactly(length)


def _connect(server: Mapping[str, Any]) -> bytes:
    user, password = str(server.get("username") or ""), str(server.get("password") or "")
    flags = (
        (0x02 if server.get("clean", True) is not False else 0)
        | (0x80 if user else 0)
        | (0x40 if user and password else 0)
    )
    name = str(server.get("clientId") or "") or f"mqttjs_{secrets.token_hex(4)}"
    body = _text("MQTT") + bytes([4, flags]) + _KEEP_ALIVE.to_bytes(2, "big") + _text(name)
    return body + (_text(user) if user else b"") + (_text(password) if user and password else b"")


def _text(text: str) -> bytes:
    data = text.encode()
    if len(data) > 0xFFFF:
        raise MqttError("A text of MQTT has at most 65,535 bytes")
    return len(data).to_bytes(2, "big") + data


def _length(size: int) -> bytes:
    """Return a length in seven bits a byte, the lowest first."""
    out = bytearray()
    while True:
        size, byte = size >> 7, size & 0x7F
        out.append(byte | (0x80 if size else 0))
        if not size:
            return bytes(out)
