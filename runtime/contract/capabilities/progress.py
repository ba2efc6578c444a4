"""Capability: heartbeats, and where an attempt that was cut off stopped."""

from collections.abc import Sequence
from typing import Any, Protocol

__all__ = ["Progress"]


class Progress(Protocol):
    """How far a step is, so that the next attempt continues there. A local activity, which is short, has none."""

    def heartbeat(self, *details: Any) -> None:
        """Report that the step lives; `details` (JSON) is what the next attempt finds in `details()`."""

    def details(self) -> Sequence[Any]:
        """Return the details of the last heartbeat of an attempt that was cut off; empty on the first attempt."""
