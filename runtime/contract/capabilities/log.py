"""Capability: structured log lines."""

from typing import Any, Protocol

__all__ = ["Log"]


class Log(Protocol):
    """The worker's log."""

    def info(self, event: str, **facts: Any) -> None:
        """Write a line that also names the node and the execution. Never pass a secret."""
