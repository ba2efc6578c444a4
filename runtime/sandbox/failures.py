"""Errors of an author's code, as n8n words them, and of code that went beyond its limits."""

from collections.abc import Mapping
from typing import Any

from runtime.contract import NodeError
from runtime.sandbox.limits import CodeLimits
from schemas.run import MAX_ITEMS


class SandboxLimitError(NodeError):
    """Raised when what runs in a sandbox takes more than it may, or its process ends: the content of a file is not to blame."""


class CodeError(NodeError):
    """Raised when the author's code threw. `bare` is the message without the line."""

    name = "WrappedExecutionError"

    def __init__(self, message: str, bare: str, **rest: Any) -> None:
        super().__init__(message, **rest)
        self.bare = bare


def code_error(error: Mapping[str, Any], *, word: str = "line", item: int | None = None) -> CodeError:
    """Return the error of an outcome's `{"message", "description", "line"}`: `boom [line 3]`."""
    bare = error["message"]
    place = f" [{word} {error['line']}]" if error.get("line") else ""
    return CodeError(f"{bare}{place}", bare, description=error.get("description"), item=item)


def timed_out(limits: CodeLimits) -> SandboxLimitError:
    """Return the error of code that ran too long."""
    return SandboxLimitError(
        f"Task execution timed out after {limits.seconds:g} seconds",
        description="The code took too long: look for a loop that never ends.",
    )


def out_of_memory(limits: CodeLimits) -> SandboxLimitError:
    """Return the error of code that needed more memory than it may have."""
    return SandboxLimitError(
        "Node ran out of memory",
        description=f"The code needed more than {limits.memory_mb} MB: handle fewer items at a time.",
    )


def too_many_items(count: int) -> SandboxLimitError:
    """Return the error of code that returned more items than a step may."""
    return SandboxLimitError(
        f"The code returned {count:,} items, and the limit is {MAX_ITEMS:,}",
        description="Return fewer items at a time, or keep the data in a file or a database and pass its address.",
    )


def crashed(detail: str) -> SandboxLimitError:
    """Return the error of a sandbox process that ended by itself."""
    return SandboxLimitError("The code sandbox ended unexpectedly", description=detail)
