"""The data that the expressions of one step run can read, built by the interpreter and read by both evaluators."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.item import Items, NodeRun, Source
from schemas.plan import Plan, Step


class ExpressionError(Exception):
    """An expression failed; n8n raises this when a node reads the parameter. `message` is n8n's text."""

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
    """The model's arguments of a tool call (`$fromAI`); None outside tools."""
    paged: Mapping[str, Any] | None = None
    """`$pageCount`, `$request`, `$response` while httpRequest turns pages."""
    pair: Callable[[str, int], Any] | None = None
    """Function (node name, input item index) -> `$('Node').item`; raises ExpressionError with n8n's message
    (see `runtime.engine.pairing`)."""
    pinned: Mapping[str, Items] = field(default_factory=dict)
    """Pin data by node name in a manual run: what `$('Node')` reads of a node that has not run. Empty in every other mode."""
    undefined: bool = False
    """Whether items of the run may have members that are undefined."""
    keep_undefined: Callable[[], bool] = lambda: False
    """Says, where an expression gives such members, whether they stay."""
    root: Step | None = None
    """For sub-nodes: the AI root whose input items are read."""
