"""How two runs differ: node by node, in what became of each and in what it gave out."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from api.models import StepAnswer
from schemas.redact import redact_json

__all__ = ["NodeDifference", "diff_of_runs"]

MASK_DEPTH: Final = 20


@dataclass(frozen=True)
class NodeDifference:
    """A run of a node in both runs; a side is None where the node did not run."""

    node: str
    run: int
    before: StepAnswer | None
    after: StepAnswer | None
    outputs: tuple[Any, Any]
    """The first item of each output, where they differ; both are None where they are alike or not known."""

    @property
    def what(self) -> tuple[str, ...]:
        """Return what differs: presence, status, items, error, output."""
        one, other = self.before, self.after
        if one is None or other is None:
            return ("only in one",)
        pairs = {
            "status": (one.status, other.status),
            "items": (one.items_out, other.items_out),
            "error": (one.error and one.error.message, other.error and other.error.message),
            "output": self.outputs,
        }
        return tuple(name for name, (first, second) in pairs.items() if first != second)


def diff_of_runs(before: Sequence[StepAnswer], after: Sequence[StepAnswer]) -> list[NodeDifference]:
    """Return every run of a node in either run, in the order of the first one, then of the second.

    Args:
        before: the steps of a run, with the first items of their outputs.
        after: those of another one.
    """
    first, second = _by_place(before), _by_place(after)
    places = [*first, *(place for place in second if place not in first)]
    return [
        NodeDifference(*place, first.get(place), second.get(place), _outputs(first.get(place), second.get(place)))
        for place in places
    ]


def _by_place(steps: Sequence[StepAnswer]) -> Mapping[tuple[str, int], StepAnswer]:
    return {(step.node, step.run): step for step in steps}


def _outputs(one: StepAnswer | None, other: StepAnswer | None) -> tuple[Any, Any]:
    first, second = one and one.output, other and other.output
    if first is None or second is None or _text(first) == _text(second):
        return (None, None)
    return redact_json(first, depth=MASK_DEPTH), redact_json(second, depth=MASK_DEPTH)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
