"""Errors of an author's code, as n8n words them."""

from collections.abc import Mapping
from typing import Any

from runtime.nodes.base import NodeError


class CodeError(NodeError):
    """The author's code threw. `bare` is the message without the line."""

    name = "WrappedExecutionError"

    def __init__(self, message: str, bare: str, **rest: Any) -> None:
        super().__init__(message, **rest)
        self.bare = bare


def code_error(error: Mapping[str, Any], *, word: str = "line", item: int | None = None) -> CodeError:
    """`{"message", "description", "line"}` of an outcome as an error: `boom [line 3]`."""
    bare = error["message"]
    place = f" [{word} {error['line']}]" if error.get("line") else ""
    return CodeError(f"{bare}{place}", bare, description=error.get("description"), item=item)
