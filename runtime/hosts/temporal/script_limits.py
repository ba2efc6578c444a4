"""Scripts inside workflow code, under a limit that the history records: how long one takes differs between machines and tries."""

from collections.abc import Callable, Sequence
from typing import Final

from temporalio import workflow

from runtime.expressions import ScriptEvaluator, ScriptLimit

__all__ = ["MONOTONIC", "RecordedEvaluator", "ReplayLimit"]

MONOTONIC: Final = "tempor8_monotonic"
"""Name of the extern function that gives seconds of a clock which only runs forward."""
ACTIVATION_SECONDS: Final = 2.0
"""Seconds of scripts in one activation of a workflow, together: less than half of the time-out of its task."""
LEAST_SECONDS: Final = 0.05
"""With less than this left of them, a script is not begun."""
MESSAGE: Final = "The expressions need too much time or memory"
"""Of every ScriptLimit: on replay nobody knows which limit it was."""
REPLAY_SECONDS: Final = 60.0
"""Time limit of a script that was within its limit when the history was recorded: none, but for one that never ends."""


class ReplayLimit(Exception):
    """A script that was within its limit when the history was recorded is not now. Fails the workflow task, never the run."""


class RecordedEvaluator:
    """Implements `ScriptEvaluator` for workflow code.

    The n-th call that hits a limit leaves a patch marker of its number in the history, and on replay it hits the limit again.
    A call without a marker runs on replay for as long as it takes. So a ScriptLimit is a decision like any other: the
    interpreter evaluates the step in an activity then.

    Args:
        evaluator: outside workflow code.
        monotonic: the clock, likewise. What it says decides about limits only, which are recorded.
    """

    def __init__(self, evaluator: ScriptEvaluator, monotonic: Callable[[], float]) -> None:
        self._evaluator, self._monotonic = evaluator, monotonic
        self._calls = 0
        self._activation: tuple[float, int] | None = None
        self._left = ACTIVATION_SECONDS

    def __call__(self, sources: Sequence[str], request: str, seconds: float, *, apart: bool, final: bool) -> str:
        """Return the kernel's answer. Raises ScriptLimit, or ReplayLimit on replay where the history has no limit here."""
        del final  # what does not end here goes on in an activity
        self._calls += 1
        change = f"script {self._calls}"
        if workflow.unsafe.is_replaying():
            return self._replay(change, sources, request, apart=apart)
        try:
            return self._first(sources, request, seconds, apart=apart)
        except ScriptLimit as limit:
            workflow.patched(change)
            raise ScriptLimit(MESSAGE) from limit

    def _replay(self, change: str, sources: Sequence[str], request: str, *, apart: bool) -> str:
        if workflow.patched(change):
            raise ScriptLimit(MESSAGE)
        try:
            return self._evaluator(sources, request, REPLAY_SECONDS, apart=apart, final=True)
        except ScriptLimit as limit:
            raise ReplayLimit(limit.message) from limit

    def _first(self, sources: Sequence[str], request: str, seconds: float, *, apart: bool) -> str:
        activation = (workflow.time(), workflow.info().get_current_history_length())
        if activation != self._activation:
            self._activation, self._left = activation, ACTIVATION_SECONDS
        if self._left < LEAST_SECONDS:
            raise ScriptLimit(MESSAGE)
        began = self._monotonic()
        try:
            return self._evaluator(sources, request, min(seconds, self._left), apart=apart, final=False)
        finally:
            self._left -= self._monotonic() - began
