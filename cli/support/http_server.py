"""The HTTP server: uvicorn, with limits on what a connection may hold and for how long.

uvicorn reads headers without end and waits for a body for ever. The limits are here and not in a proxy, since the service has to hold
without one.
"""

import asyncio
import contextlib
import functools
import math
import resource
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from runtime.platform.settings import Settings

__all__ = ["BoundedProtocol", "Limits", "Server", "http_server"]

SHUTDOWN_MARGIN_SECONDS: Final = 5
"""Seconds after the grace for replies that are being sent."""
SPARE_FILES: Final = 256
"""Files and connections to servers that a process has open besides its callers' connections."""
REFUSALS: Final = {
    400: b"Bad Request",
    408: b"Request Timeout",
    414: b"URI Too Long",
    431: b"Request Header Fields Too Large",
    503: b"Service Unavailable",
}
"""Status -> reason phrase of the answers that no application sees."""


@dataclass(frozen=True)
class Limits:
    """What one connection may hold, and for how long. Sizes are bytes, times are seconds."""

    connections: int = 4096
    """Of the process; one more is answered with 503."""
    head_bytes: int = 64 * 1024
    """Of a request's target and headers, of its trailers, of one chunk's extensions. n8n takes 16 KiB."""
    fields: int = 200
    """Headers of a request."""
    head_seconds: float = 20.0
    """From the first byte of a request, or the connection, to the end of its headers."""
    body_seconds: float = 30.0
    """From there to the end of the body; what has come at `body_rate` or faster is not counted."""
    body_rate: float = 8 * 1024
    """Bytes per second."""
    write_seconds: float = 60.0
    """For which a caller may read nothing of an answer that waits for it."""

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """Return the limits of the settings; a process never takes more connections than it may open files."""
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        most = settings.connections if files == resource.RLIM_INFINITY else max(1, files - SPARE_FILES)
        return cls(
            connections=min(settings.connections, most),
            head_seconds=settings.header_timeout,
            body_seconds=settings.body_timeout,
        )


class TooMuch(Exception):
    """A request is over a limit; raised through the parser, which then stops."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection. It is over when the caller has not sent what it has to by `_read_until`, which what comes moves, or has not
    read what waits for it by `_write_until`; one timer looks at both.
    """

    def __init__(self, *args: Any, limits: Limits, **options: Any) -> None:
        super().__init__(*args, **options)
        self._limits = limits
        self._read_until = self._write_until = math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._silent = 0
        """Bytes since the last sign of progress: the end of headers, a chunk, some of a body."""
        self._head = self._fields = 0
        self._begun = self._in_body = self._lingering = False
        self._status = 400

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Take the connection, or answer 503 where there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self._limits.connections:
            self._refuse(503)
            return
        self._allow(self._limits.head_seconds)
        self._timer = self.loop.call_later(self._limits.head_seconds, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse; refuse what goes on and on without an end of headers, a chunk, or some of a body."""
        if self.transport.is_closing():
            return
        if math.isinf(self._read_until) and self._unanswered is None:
            self._allow(self._limits.head_seconds)
        self._silent += len(data)
        super().data_received(data)
        if self._silent > self._limits.head_bytes and not self.transport.is_closing():
            self._refuse(431)

    def send_400_response(self, msg: str) -> None:
        """Answer a request that cannot be parsed, or is over a limit."""
        del msg
        self._refuse(self._status)

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._head = self._fields = 0
        self._begun, self._in_body = True, False
        self._allow(self._limits.head_seconds)

    def on_url(self, url: bytes) -> None:
        """Take a part of the target."""
        self._head += len(url)
        if self._head > self._limits.head_bytes:
            self._status = 414
            raise TooMuch
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header. One that comes after the body is dropped: it may not pose as one that was there from the start."""
        self._fields += 1
        self._head += len(name) + len(value) + 4
        if self._fields > self._limits.fields or self._head > self._limits.head_bytes:
            self._status = 431
            raise TooMuch
        if not self._in_body:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Hand the request to the application, and wait for its body."""
        self._silent, self._in_body, self._lingering = 0, True, False
        self._allow(self._limits.body_seconds)
        super().on_headers_complete()

    def on_chunk_header(self) -> None:
        """Note progress."""
        self._silent = 0

    def on_body(self, body: bytes) -> None:
        """Hand on some of the body; what came is time that is not counted."""
        self._silent = 0
        if not self._lingering:
            self._read_until += len(body) / self._limits.body_rate
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait for nothing more: the application has its time."""
        self._silent, self._begun = 0, False
        self._read_until = math.inf
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on with the next request. A body that nobody reads any more has little time left."""
        if self.cycle.more_body:
            self._lingering = True
            self._allow(min(self._limits.head_seconds, self._limits.body_seconds))
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Give the caller its time to read."""
        super().pause_writing()
        self._allow_writing()

    def resume_writing(self) -> None:
        """Note that the caller reads."""
        super().resume_writing()
        self._write_until = math.inf

    def _allow(self, seconds: float) -> None:
        self._read_until = self.loop.time() + seconds
        self._look_by(self._read_until)

    def _allow_writing(self) -> None:
        self._write_until = self.loop.time() + self._limits.write_seconds
        self._look_by(self._write_until)

    def _look_by(self, time: float) -> None:
        if self._timer is not None and self._timer.when() > time:
            self._timer.cancel()
            self._timer = self.loop.call_at(time, self._look)

    def _look(self) -> None:
        """End the connection when a time is over; look again later otherwise."""
        now, closing = self.loop.time(), self.transport.is_closing()
        if now >= self._write_until:
            self.transport.abort()
            return
        if closing:  # what is written still goes out, or the caller does not read it
            if math.isinf(self._write_until):
                self._write_until = now + self._limits.write_seconds
        elif now >= self._read_until:
            if self._is_ours_to_act():
                self._read_until = now + self._limits.body_seconds
            else:
                self._refuse(408)
                self._write_until = min(self._write_until, now + self._limits.write_seconds)
        wait = max(self._limits.head_seconds, self._limits.body_seconds)
        until = self._write_until if self.transport.is_closing() else min(self._read_until, self._write_until)
        self._timer = self.loop.call_later(min(until - now, wait), self._look)

    @property
    def _unanswered(self) -> RequestResponseCycle | None:
        """Return the request that has no whole answer yet; None: there is none."""
        cycle: Any = self.cycle  # None before the first one
        return None if cycle is None or cycle.response_complete else cycle

    def _is_ours_to_act(self) -> bool:
        """Return whether the caller waits for us: its request is complete, or we do not read what it sends."""
        cycle = self._unanswered
        return cycle is not None and (not cycle.more_body or len(cycle.body) > HIGH_WATER_LIMIT)

    def _refuse(self, status: int) -> None:
        """Answer, unless another answer is under way or nothing was asked, and close."""
        cycle = self._unanswered
        nothing_asked = status == 408 and not self._begun
        under_way = cycle is not None and (cycle.response_started or not cycle.more_body)
        if not nothing_asked and not under_way:
            reason = REFUSALS[status]
            self.transport.write(
                b"HTTP/1.1 %d %s\r\ncontent-type: text/plain\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s"
                % (status, reason, len(reason), reason)
            )
        if cycle is not None:
            cycle.disconnected = True
        self.transport.close()


class Server(uvicorn.Server):
    """Captures no signals: uvicorn raises them again when it is done, before the connections to the servers are closed."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture nothing."""
        yield


def http_server(application: Any, settings: Settings, limits: Limits | None = None) -> Server:
    """Return the server of an ASGI application."""
    protocol: Any = functools.partial(BoundedProtocol, limits=limits or Limits.of(settings))
    return Server(
        uvicorn.Config(
            application,
            http=protocol,
            ws="none",
            log_config=None,
            access_log=False,  # a line per request costs more than the request, and the run has its own record
            server_header=False,
            proxy_headers=True,
            # callers whose time is over get their 503 before uvicorn cuts them
            timeout_graceful_shutdown=math.ceil(settings.api_grace) + SHUTDOWN_MARGIN_SECONDS,
        )
    )
