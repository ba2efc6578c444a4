"""Postgres notifications: how one process tells the others that something changed."""

import asyncio
from collections.abc import Callable

import psycopg

from runtime.platform.telemetry.logging import get_logger

__all__ = ["listen"]

log = get_logger("tempor8.notices")


async def listen(
    url: str,
    channel: str,
    on_notify: Callable[[str], None],
    on_connected: Callable[[bool], None],
    *,
    pause: float = 1.0,
) -> None:
    """Call `on_notify(payload)` for every notification on `channel`, until cancelled.

    Args:
        url: of the database.
        channel: of NOTIFY.
        on_notify: gets the payload of each notification.
        on_connected: gets True once notifications can arrive and False when they no longer can. Those in between are lost,
            so a listener then drops everything that it has cached.
        pause: seconds between two attempts to connect.
    """
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=5) as connection:
                await connection.execute(f'listen "{channel}"'.encode())
                on_connected(True)
                async for notification in connection.notifies():
                    on_notify(notification.payload)
        except psycopg.OperationalError as error:
            log.warning("no notices from Postgres", channel=channel, error=type(error).__name__)
        finally:
            on_connected(False)
        await asyncio.sleep(pause)
