"""SIGTERM and Ctrl-C: end the process at once, until it has something to finish."""

import asyncio
import signal
from types import FrameType
from typing import Final

__all__ = ["end_at_once", "stop_event"]

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


def end_at_once() -> None:
    """End the process with code 0 at either signal: nothing has begun yet. Sockets and servers may be opened after this."""
    for number in SIGNALS:
        signal.signal(number, _end)


def stop_event() -> asyncio.Event:
    """Return an event of the running loop that either signal sets from now on."""
    stop = asyncio.Event()
    for number in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def _end(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise SystemExit(0)
