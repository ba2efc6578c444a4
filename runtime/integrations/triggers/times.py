"""Marks of polls: instants as the vendors' queries and n8n's static data have them."""

from datetime import UTC, datetime
from typing import Any

__all__ = ["Interval", "stamp"]


def stamp(milliseconds: float, timespec: str = "seconds") -> str:
    """Return an instant in UTC with a Z."""
    at = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return at.isoformat(timespec=timespec).replace("+00:00", "Z")


class Interval:
    """From the last poll to this one. `state["lastTimeChecked"]` moves on when `end` is called."""

    def __init__(self, state: dict[str, Any], now: float, timespec: str = "seconds") -> None:
        self._state, self.end = state, stamp(now, timespec)
        self.start = str(state.get("lastTimeChecked") or self.end)

    def close(self) -> None:
        """Let the next poll begin where this one ends."""
        self._state["lastTimeChecked"] = self.end
