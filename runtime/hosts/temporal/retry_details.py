"""What a failed run leaves for a retry from a node, when nobody can ask it any more."""

from typing import Final

from temporalio import workflow
from temporalio.common import RawValue

from runtime.contract import NodeError
from runtime.hosts.temporal.hand_out import raw
from runtime.interpreter.border import hand_out
from runtime.interpreter.execution import Execution
from schemas.run import StartInput

__all__ = ["retry_details"]

MAX_STATE_BYTES: Final = 16 * 1024 * 1024
"""Bytes of JSON of the largest state that a run leaves: it is stored within one workflow task."""
MAX_CHILD_STATE_BYTES: Final = 32 * 1024
"""The same of a run that another one started: the failure becomes part of the history of that one."""


def retry_details(execution: Execution | None, start: StartInput) -> list[RawValue]:
    """Return `[{state, mode}]`, a detail of the failure; nothing where there is no state, or one that is too large or no JSON."""
    if execution is None:
        return []
    most = MAX_STATE_BYTES if workflow.info().parent is None else MAX_CHILD_STATE_BYTES
    limit = min(most, start.payload_limit or most)
    try:
        return [
            raw(
                hand_out(
                    {"state": execution.as_json(execution.engine.state()), "mode": start.mode},
                    "The state of the run",
                    limit,
                )
            )
        ]
    except (NodeError, TypeError, ValueError, RecursionError):
        return []
