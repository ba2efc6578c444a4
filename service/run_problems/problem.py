"""One problem of a run: what status, history, lists, metrics and health mean by the word."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, get_args

__all__ = ["KINDS", "ProblemKind", "RunProblem", "kind_of"]

ProblemKind = Literal["workflow_task", "worker", "activity", "unreadable"]
"""workflow_task: its workflow task fails again and again; worker: no worker of the build that it needs polls; activity: a step is
tried again; unreadable: its data could not be read or written.
"""
KINDS: Final[tuple[ProblemKind, ...]] = get_args(ProblemKind)
"""The gravest first: a row has room for one problem."""


@dataclass(frozen=True)
class RunProblem:
    """Why a run does not go on, or why what is shown of it is incomplete."""

    kind: ProblemKind
    cause: str
    """A name to count by: Temporal's cause without its prefix (`NonDeterministicError`), or the class of an error."""
    message: str
    """What is wrong, in the author's terms."""
    hint: str
    """What to do."""
    since: datetime | None = None
    attempt: int | None = None
    """How often it was tried."""
    next_try_at: datetime | None = None
    node: str | None = None
    """The node whose step is tried again."""

    @property
    def key(self) -> str:
        """Return kind and cause in one text, see `kind_of`."""
        return self.cause if self.kind == "workflow_task" else f"{self.kind}:{self.cause}"

    def to_json(self) -> dict[str, Any]:
        """Return the members that are known as JSON; times are ISO 8601."""
        members = {name: value for name, value in vars(self).items() if value is not None}
        return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in members.items()}


def kind_of(key: str) -> tuple[str, str]:
    """Return kind and cause of a problem's key."""
    kind, _, cause = key.rpartition(":")
    return kind or "workflow_task", cause
