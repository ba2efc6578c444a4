"""What the expressions of one step run can see: plain data, built by the interpreter, read by both evaluators."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.item import Items, NodeRun, Source
from schemas.plan import Plan, Step


class ExpressionError(Exception):
    """What n8n raises when a parameter with a failing expression is read. `message` is n8n's text."""

    def __init__(self, message: str, *, description: str | None = None, item: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.description = description
        self.item = item


@dataclass(slots=True)  # not frozen: that makes each of the many assignments a call, and a run makes one per step
class Scope:
    """One step run as its expressions see it."""

    plan: Plan
    step: Step
    items: Items
    """The effective input: what `$json` and `$input` read, never cut by executeOnce."""
    inputs: Sequence[Items | None]
    source: Sequence[Source | None]
    run_index: int
    runs: Mapping[str, Sequence[NodeRun]]
    """Recorded runs by node name: what `$('Node')` reads."""
    memory: Mapping[str, dict[str, Any]]
    """n8n's node contexts by node name (`$('Loop').context`)."""
    now: float
    """Milliseconds since the epoch."""
    seed: int
    """Seeds Math.random."""
    mode: str = "trigger"
    execution_id: str = ""
    resume_url: str = ""
    resume_form_url: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    """`$vars`."""
    custom_data: dict[str, str] = field(default_factory=dict)
    """`$execution.customData`; expressions may set it."""
    static_data: Mapping[str, Any] = field(default_factory=dict)
    arguments: Mapping[str, Any] | None = None
    """What the model gave a tool (`$fromAI`); None outside tools."""
    paged: Mapping[str, Any] | None = None
    """`$pageCount`, `$request`, `$response` while httpRequest turns pages."""
    pair: Callable[[str, int], Any] | None = None
    """`$('Node').item` for an input item index. Raises ExpressionError with n8n's message (runtime.engine.pairing)."""
    root: Step | None = None
    """For sub-nodes: the AI root whose input items are read."""
