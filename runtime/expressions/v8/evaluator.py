"""The script evaluator of every host: linear scripts on isolates of this process, the others in a child process."""

from collections.abc import Sequence

from runtime.expressions.v8 import child, pool

__all__ = ["run_scripts", "start"]


def start(isolates: int = 1) -> None:
    """Create isolates ahead of time, so that the first step does not wait; call it when a worker starts."""
    pool.fill(isolates)


def run_scripts(sources: Sequence[str], request: str, seconds: float, *, apart: bool) -> str:
    """Implement `ScriptEvaluator`."""
    run = child.run if apart else pool.run
    return run(sources, request, seconds)
