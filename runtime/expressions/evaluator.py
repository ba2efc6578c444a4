"""The interface of a script evaluator. The host passes one in, so that workflow code imports no V8."""

from collections.abc import Sequence
from typing import Protocol

__all__ = ["ScriptEvaluator"]


class ScriptEvaluator(Protocol):
    """Evaluates JavaScript. The same scripts and request give the same answer, wherever and whenever they run.

    Only text crosses, so that an implementation may be outside the sandbox of workflow code (`runtime.expressions.v8`).
    """

    def __call__(self, sources: Sequence[str], request: str, seconds: float, *, apart: bool) -> str:
        """Return the kernel's answer to a request: a JSON object without its `scripts` (see `wire` and kernel.js).

        `apart` runs the scripts in a process of their own, which may be killed. Raises ScriptLimit when they need more
        than `seconds` or too much memory.
        """
