"""The script evaluator of every host: on isolates of one owner, in child processes alone."""

import time
from collections.abc import Sequence
from functools import partial
from typing import Final

from runtime.expressions.evaluator import ScriptEvaluator
from runtime.expressions.limits import ScriptCrash
from runtime.expressions.v8.pool import CHILDREN, ChildPool, pools

__all__ = ["evaluator_of", "start"]

WAIT_SECONDS: Final = 60.0
"""How long a script whose outcome is final waits for a child."""


def start() -> None:
    """Start the children ahead of time, so that the first step does not wait; call it when a worker starts.

    Raises:
        ScriptsUnavailable: scripts would not run, or not within their walls.
    """
    pools().shared.start(CHILDREN)
    pools().apart.start(1)


def evaluator_of(owner: str) -> ScriptEvaluator:
    """Return the evaluator of this owner's scripts: a tenant, and never two."""
    return partial(_run, owner)


def _run(owner: str, sources: Sequence[str], request: str, seconds: float, *, apart: bool, final: bool) -> str:
    pool = pools().apart if apart else pools().shared
    if not final:
        return _ask(pool, owner, sources, request, time.monotonic() + seconds, None)
    try:
        return _ask(pool, owner, sources, request, time.monotonic() + WAIT_SECONDS, seconds)
    except ScriptCrash:  # maybe somebody else's fault; if not, it is nobody else's trouble the second time
        return _ask(pools().apart, owner, sources, request, time.monotonic() + WAIT_SECONDS, seconds)


def _ask(
    pool: ChildPool, owner: str, sources: Sequence[str], request: str, deadline: float, seconds: float | None
) -> str:
    """Ask a child that is free before the deadline, which is the answer's, too, unless that has seconds of its own."""
    child = pool.take(owner, deadline)
    try:
        return child.ask(owner, sources, request, deadline if seconds is None else time.monotonic() + seconds)
    finally:
        pool.give_back(owner, child)
