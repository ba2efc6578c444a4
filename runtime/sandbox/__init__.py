"""Code nodes: JavaScript in a child process with limits, Python in a sandboxed interpreter.

What comes back is JSON: `{"outcomes": [...]}` with one outcome per run of the code, each `{"data": ...}`,
`{"missing": "undefined" | "null" | "number"}` or `{"error": {"message", "description"?, "line"?, "primitive"?}}`.

Node classes import `items` and `failures` from here inside workflow code, so the package itself loads nothing: the
runner comes when it is asked for.
"""

from typing import TYPE_CHECKING, Any

from runtime.sandbox.limits import Limits

if TYPE_CHECKING:
    from runtime.sandbox.runner import CodeRunner

__all__ = ["CodeRunner", "Limits"]


def __getattr__(name: str) -> Any:
    if name == "CodeRunner":
        from runtime.sandbox.runner import CodeRunner  # noqa: PLC0415 - child processes stay out of workflow code

        return CodeRunner
    raise AttributeError(name)
