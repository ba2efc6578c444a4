"""The trace in which a request came, for as long as it is handled: a run that it starts is linked with it."""

from contextvars import ContextVar
from typing import Final

__all__ = ["bind_caller", "caller_traceparent"]

MAX_CHARACTERS: Final = 55
"""Of a `traceparent` of version 00; a later version may be longer, and its beginning has the same members."""
_caller: ContextVar[str | None] = ContextVar("tempor8_traceparent", default=None)


def bind_caller(traceparent: str | None) -> None:
    """Note the `traceparent` header of the request that is handled now; None: it has none."""
    _caller.set(traceparent[:MAX_CHARACTERS] if traceparent else None)


def caller_traceparent() -> str | None:
    """Return the `traceparent` of the request that is handled now."""
    return _caller.get()
