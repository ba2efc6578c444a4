"""Tell the worker's process how a run ended, without an event: whoever writes the tables of runs need not ask Temporal for it."""

from typing import Final

from temporalio import workflow
from temporalio.common import RawValue

from schemas.run import StartInput
from schemas.run_end import MAX_END_BYTES, RunEnd

__all__ = ["ENDED", "input_bytes", "tell_end"]

ENDED: Final = "tempor8_run_ended"
"""Name of the extern function that takes a `RunEnd`; see `runtime.hosts.temporal.extern`."""


def input_bytes(argument: RawValue) -> bytes | None:
    """Return the input of a run as JSON, to be told with its end; None: it is too large for that."""
    data = argument.payload.data
    return data if len(data) <= MAX_END_BYTES else None


def tell_end(start: StartInput, input_: bytes | None, result: bytes) -> None:
    """Tell the end of a run, unless it is a replay. It is told again when the workflow task is done again."""
    tell = workflow.extern_functions().get(ENDED)
    if tell is None or input_ is None or len(input_) + len(result) > MAX_END_BYTES:
        return
    if workflow.unsafe.is_replaying():
        return
    info = workflow.info()
    tell(RunEnd(start.tenant, info.workflow_id, info.run_id, info.get_current_history_length(), input_, result))
