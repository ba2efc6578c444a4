"""The successful end of a run, as its worker has it before Temporal does."""

from dataclasses import dataclass
from typing import Final

__all__ = ["MAX_END_BYTES", "RunEnd"]

MAX_END_BYTES: Final = 32 * 1024
"""Bytes of a run's input and result together, in JSON. The projector reads larger ones from Temporal."""


@dataclass(frozen=True)
class RunEnd:
    """The successful end of a run, as its worker has it."""

    tenant: str
    id: str
    """Workflow id."""
    run_id: str
    history_length: int
    """Events of the run when its last workflow task began."""
    start: bytes
    """Its `StartInput` as JSON."""
    result: bytes
    """Its `RunResult` as JSON."""
