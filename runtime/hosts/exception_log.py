"""What the log holds of an exception that became a node's error: where it was raised, and never its text."""

from types import TracebackType
from typing import Any, Final

__all__ = ["frames", "log_exception"]

_MAX_FRAMES: Final = 20
"""Innermost frames of each exception; a recursion has a thousand."""


def frames(error: BaseException) -> str:
    """Return type and traceback of an exception and of its causes, without their texts, which may hold data of items."""
    parts: list[str] = []
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        parts += [*_lines(cause.__traceback__)[-_MAX_FRAMES:], f"{type(cause).__module__}.{type(cause).__qualname__}"]
        cause = cause.__cause__ or cause.__context__
    return "\n".join(parts)


def _lines(traceback: TracebackType | None) -> list[str]:
    """Return file, line and function of each frame. Python's own formatter reads the source files, which workflow code must
    not.
    """
    lines = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        lines.append(f'  File "{code.co_filename}", line {traceback.tb_lineno}, in {code.co_qualname}')
        traceback = traceback.tb_next
    return lines


def log_exception(log: Any, error: BaseException, node: str) -> None:
    """Write an exception that became the error of a node to a structlog logger."""
    log.error("a node failed with an exception", node=node, error=type(error).__name__, frames=frames(error))
