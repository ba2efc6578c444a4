"""A thread for one session with a foreign server, by a client that blocks.

Such a client waits for as long as its server likes. On the threads that a process shares (`asyncio.to_thread`) a few of them
would stop what everybody needs: payloads are sealed there. So each has a thread of its own, and what cannot be
interrupted is ended from outside: its socket is shut down, and whatever waits for it fails.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

__all__ = ["OwnThread"]

_ENDING_SECONDS: Final = 5.0
"""Seconds that a client has to notice that its socket is gone."""
T = TypeVar("T")


class OwnThread:
    """Runs one call after the other. There are as many as steps are under way, of which a tenant has a share.

    Args:
        sock: the session's. TLS may put another one in its place, so that a duplicate is what is shut down.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock.dup()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="session")

    async def call(self, seconds: float, function: Callable[..., T], *args: Any) -> T:
        """Return what a function returns. Raise TimeoutError when it takes longer; the session is over then, and when the
        caller is cancelled.
        """
        call = asyncio.get_running_loop().run_in_executor(self._pool, function, *args)
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                return await asyncio.shield(call)
        except (TimeoutError, asyncio.CancelledError) as error:
            if call.done() and not limit.expired():
                raise  # the function's own
            self._shut_down()
            await asyncio.wait([call], timeout=_ENDING_SECONDS)
            with contextlib.suppress(BaseException):
                call.exception()  # of a call that nobody waits for any more
            if limit.expired():
                raise TimeoutError from error
            raise

    def close(self) -> None:
        """Let the thread go when it is done."""
        self._pool.shutdown(wait=False)
        self._sock.close()

    def _shut_down(self) -> None:
        """Let every read and write of the socket fail, on whatever thread it is."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
