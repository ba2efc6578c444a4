"""The interface of a script evaluator. The host passes one in, so that workflow code imports no V8."""

from collections.abc import Sequence
from typing import Protocol

__all__ = ["ScriptEvaluator"]


class ScriptEvaluator(Protocol):
    """Evaluates JavaScript. The same scripts and request give the same answer, wherever and whenever they run.

    Only text crosses, so that an implementation may be outside the sandbox of workflow code (`runtime.expressions.v8`).
    """

    def __call__(self, sources: Sequence[str], request: str, seconds: float, *, apart: bool, final: bool) -> str:
        """Return the kernel's answer to a request: a JSON object without its `scripts` (see `wire` and kernel.js).

        `apart` runs scripts that may not end where no others suffer when they are stopped. With `final`, nobody evaluates them
        again elsewhere: they have all of `seconds`, however long they wait for a process, and when that dies, which may be
        another script's fault, they run in a new one. Otherwise the wait is part of `seconds`.

        Raises ScriptLimit when they need more than `seconds` or too much memory.
        """
