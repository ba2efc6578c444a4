"""Commands of the engine and outcomes of steps: the interface between engine, interpreter and hosts."""

from dataclasses import dataclass
from typing import Any

from schemas.item import Items, Outputs, Source
from schemas.plan import Step


@dataclass(slots=True)
class Execute:
    """Run this step once. `inputs` are the stamped inputs, cut by executeOnce, and `uncut_inputs` the same before that cut;
    `items` is the effective input for expressions, never cut.
    """

    step: Step
    run_index: int
    attempt: int
    inputs: list[Items | None]
    uncut_inputs: list[Items | None]
    items: Items
    source: list[Source | None]
    ordinal: int | None = None
    """The number of this wait for a call within the run, if waits may overlap."""


@dataclass(frozen=True)
class Delay:
    """Wait before the next attempt of a step."""

    seconds: float


@dataclass(frozen=True)
class Idle:
    """Nothing can run until one of the parked steps ends."""


@dataclass(frozen=True)
class Finished:
    """The execution is over: success, error, canceled. `error` is n8n's error object with the node's name."""

    status: str
    last_node: str | None
    error: dict[str, Any] | None = None


@dataclass(slots=True)
class Outcome:
    """How an attempt of a step ended: outputs (None: nothing at all), or an error object (`name`, `message`, ...)."""

    outputs: Outputs | None = None
    error: dict[str, Any] | None = None
    started: float = 0.0
    finished: float = 0.0
