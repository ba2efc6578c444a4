"""What a step sees of its run: the pure part, the same on every host and on replay."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from runtime.interpreter.parameters import Parameters
from schemas.item import Items, Source
from schemas.node import Node

N = TypeVar("N", bound=Node)


class Links(Protocol):
    """Makes the links of a run; see `runtime.interpreter.execution.RunInfo`."""

    @property
    def resume_form_url(self) -> str:
        """See StepContext."""

    def bound_link(self, query: str) -> str:
        """See StepContext."""


@dataclass(eq=False)
class StepContext:
    """Implements `runtime.contract.Context`."""

    name: str
    version: float
    inputs: Sequence[Items | None]
    source: Sequence[Source | None]
    run_index: int
    continue_on_fail: bool
    memory: dict[str, Any]
    now: float
    timezone: str
    seed: Callable[[], int]
    mode: str
    workflow: Mapping[str, Any]
    execution_id: str
    connected_outputs: int
    parents: Sequence[tuple[str, str]]
    parameters: Parameters
    resume_url: str = ""
    custom_data: dict[str, str] = field(default_factory=dict)
    info: "Links | None" = None
    keep_undefined: Callable[[], bool] = lambda: False
    _random: random.Random | None = field(default=None, repr=False)

    @property
    def resume_form_url(self) -> str:
        """The address of the form of the next wait for a form."""
        return self.info.resume_form_url if self.info else ""

    def bound_link(self, query: str) -> str:
        """The address that resumes the next wait with this query."""
        return self.info.bound_link(query) if self.info else ""

    @property
    def random(self) -> random.Random:
        """Seeded by the run: the same numbers on replay."""
        if self._random is None:
            self._random = random.Random(self.seed())  # noqa: S311 - n8n's Math.random, not a secret
        return self._random

    def keeps_undefined(self) -> bool:
        """Return whether a member that is undefined stays in an item that the step makes."""
        return self.keep_undefined()

    def resolve(self, node: N, i: int) -> N:
        """The node with its parameters as they are for input item `i`."""
        del node
        return self.parameters.at(i)  # type: ignore[return-value]
