"""Postgres notifications: how one process tells the others that something changed."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import psycopg

from runtime.platform.pg_watchdog import breaking_after
from runtime.platform.postgres import NETWORK_OPTIONS
from runtime.platform.telemetry.logging import get_logger

__all__ = ["ANSWER_SECONDS", "HEARTBEAT_SECONDS", "listen"]

log = get_logger("tempor8.notices")

HEARTBEAT_SECONDS: Final = 10.0
"""Seconds between two notices that the listener sends to itself."""
ANSWER_SECONDS: Final = 5.0
"""How long such a notice may take. A backend that is silent for longer counts as gone."""


async def listen(
    url: str,
    channel: str,
    on_notify: Callable[[str], None],
    on_connected: Callable[[bool], None],
    on_heartbeat: Callable[[], None] = lambda: None,
    *,
    pause: float = 1.0,
    heartbeat: float = HEARTBEAT_SECONDS,
    answer: float = ANSWER_SECONDS,
) -> None:
    """Call `on_notify(payload)` for every notification on `channel`, until cancelled.

    Args:
        url: of the database.
        channel: of NOTIFY.
        on_notify: gets the payload of each notification.
        on_connected: gets True once notifications can arrive and False when they no longer can. Those in between are lost,
            so a listener then drops everything that it has cached.
        on_heartbeat: is called whenever notifications have been seen to arrive.
        pause: seconds between two attempts to connect.
        heartbeat: see HEARTBEAT_SECONDS.
        answer: see ANSWER_SECONDS.
    """
    while True:
        try:
            connection = await psycopg.AsyncConnection.connect(
                url, autocommit=True, application_name="tempor8 notices", **NETWORK_OPTIONS
            )
            try:
                listener = _Listener(connection, channel, on_notify)
                with breaking_after(connection, answer):
                    await listener.open()
                on_connected(True)
                while True:
                    await listener.follow(heartbeat)
                    await listener.beat(answer)
                    on_heartbeat()
            finally:
                on_connected(False)
                await connection.close()
        except psycopg.OperationalError as error:
            log.warning("no notices from Postgres", channel=channel, error=type(error).__name__)
        await asyncio.sleep(pause)


class _Listener:
    """One connection that listens at a channel, and at one of its own for its heartbeat."""

    def __init__(
        self, connection: psycopg.AsyncConnection[Any], channel: str, on_notify: Callable[[str], None]
    ) -> None:
        self._connection, self._channel, self._on_notify = connection, channel, on_notify
        self._own = f"{channel}_{connection.info.backend_pid}"
        self._beaten = False

    async def open(self) -> None:
        for channel in (self._channel, self._own):
            await self._connection.execute(f'listen "{channel}"'.encode())

    async def follow(self, seconds: float) -> None:
        """Pass notifications on for so many seconds."""
        async for notice in self._connection.notifies(timeout=seconds):
            self._take(notice)

    async def beat(self, seconds: float) -> None:
        """Send a notice to this connection and wait for it. Raise psycopg.OperationalError when it does not come."""
        self._beaten = False
        with breaking_after(self._connection, seconds):
            await self._connection.execute("select pg_notify(%s, '')", (self._own,))
            async for notice in self._connection.notifies(timeout=seconds):
                self._take(notice)
                if self._beaten:
                    return
        raise psycopg.OperationalError("the notice of the heartbeat did not come back")

    def _take(self, notice: psycopg.Notify) -> None:
        if notice.channel == self._own:
            self._beaten = True
        else:
            self._on_notify(notice.payload)
