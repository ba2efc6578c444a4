"""The names of this machine, to itself."""

from typing import Final

__all__ = ["LOOPBACK"]

LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
