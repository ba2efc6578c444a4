"""What each cause of a problem means, and what to do about it. A cause has the same words wherever it is shown."""

from dataclasses import dataclass
from typing import Final

__all__ = ["CAUSES", "STEP_DIED", "STEP_FAILS", "STEP_TIMED_OUT", "TASK_FAILS", "UNREADABLE", "Cause", "cause_of"]


@dataclass(frozen=True)
class Cause:
    """Words for a cause."""

    message: str
    """What is wrong. Empty: the error's own message says it, and names no address of a server."""
    hint: str


MEND: Final = "The log of its worker has the error. A worker with a mended build takes the run up where it stands; or cancel the run."
SPLIT: Final = "A step hands out more data than Temporal takes. Split the items into batches; cancel the run."
BY_ITSELF: Final = "Nothing is lost: the step is tried again by itself, and goes on when the cause is gone."

TASK_FAILS: Final = Cause("", MEND)
STEP_FAILS: Final = Cause("", BY_ITSELF)
STEP_DIED: Final = Cause("The worker that did the step went away", BY_ITSELF)
STEP_TIMED_OUT: Final = Cause("The step was not done in its time", BY_ITSELF)
UNREADABLE: Final = Cause(
    "a value that cannot be read or stored",
    "The log of the projector has the error. It is read again from time to time.",
)

CAUSES: Final = {
    "NonDeterministicError": Cause(
        "",
        "Its workers run code that does not fit the history of the run. Run a worker of the build that it began on, or make "
        "that build current again (`tempor8 workers promote`); the run then goes on by itself.",
    ),
    "TimedOut": Cause(
        "The run's workflow task is not done in time",
        "The workers are overloaded, or one step handles too much data. Add workers, or split the items into batches.",
    ),
    "GrpcMessageTooLarge": Cause("", SPLIT),
    "PayloadsTooLarge": Cause("", SPLIT),
    "SealError": Cause(
        "",
        "Add the master key that sealed it to TEMPOR8_RETIRED_MASTER_KEYS of all processes, or give each environment a "
        "namespace; the run then goes on by itself.",
    ),
    "BlobMissing": Cause(
        "",
        "Its stored data is gone from Postgres or the bucket: restore both from one backup, and the run goes on by itself; or "
        "terminate it.",
    ),
    "SlotsTaken": Cause(
        "",
        "It waits: other steps of the tenant have what one tenant may hold of a worker (TEMPOR8_STEP_SHARE, TEMPOR8_CODE_SHARE). "
        "Add workers, or let fewer runs go on at a time (TEMPOR8_TENANT_RUNS).",
    ),
    "ServiceBusy": Cause(
        "",
        "It waits as long as the service asked (Retry-After), and goes on at the item where it stopped. Send less at once: batches "
        "of the HTTP Request node, or fewer runs at a time.",
    ),
    "DatabaseUnavailable": Cause("Postgres is away", BY_ITSELF),
    "StatementTimeout": Cause("Postgres is too slow", BY_ITSELF),
    "PayloadStoreUnavailable": Cause("The store of large payloads is away", BY_ITSELF),
    "CredentialsUnavailable": Cause("The credential store is away", BY_ITSELF),
}
"""Temporal's cause of a failed workflow task, or the class of an error -> its words."""


def cause_of(name: str, default: Cause) -> Cause:
    """Return the words of a cause."""
    return CAUSES.get(name, default)
