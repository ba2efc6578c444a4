"""Postgres notices: how one process tells the others that something changed."""

import asyncio
from collections.abc import Callable

import psycopg

from runtime.platform.telemetry.logging import get_logger

__all__ = ["listen"]

log = get_logger("tempor8.notices")


async def listen(
    url: str, channel: str, told: Callable[[str], None], attentive: Callable[[bool], None], *, pause: float = 1.0
) -> None:
    """Call `told(payload)` for every notice on `channel`, for ever; cancel to stop.

    `attentive(True)` once notices can arrive and `attentive(False)` when they no longer can: what came in between is
    lost, so a listener then forgets everything that it has cached. Connects again by itself, `pause` seconds apart.
    """
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=5) as connection:
                await connection.execute(f'listen "{channel}"'.encode())
                attentive(True)
                async for notice in connection.notifies():
                    told(notice.payload)
        except psycopg.OperationalError as error:
            log.warning("no notices from Postgres", channel=channel, error=type(error).__name__)
        finally:
            attentive(False)
        await asyncio.sleep(pause)
