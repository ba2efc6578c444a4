"""Break a connection to Postgres that gives no answer: a time-out of asyncio would wait for the server to confirm it."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator
from typing import Any

import psycopg

__all__ = ["breaking_after"]


@contextlib.contextmanager
def breaking_after(connection: psycopg.AsyncConnection[Any], seconds: float) -> Iterator[None]:
    """Shut the socket of a connection down unless the block ends within so many seconds.

    What waits for the server then raises psycopg.OperationalError at once, and the connection is broken.
    """
    timer = asyncio.get_running_loop().call_later(seconds, _shut, connection)
    try:
        yield
    finally:
        timer.cancel()


def _shut(connection: psycopg.AsyncConnection[Any]) -> None:
    with contextlib.suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.pgconn.socket)) as end:
        end.shutdown(socket.SHUT_RDWR)
