"""The part of a model's answer that has been said so far: what the activity that asks the model leaves in its heartbeats."""

from collections.abc import Mapping
from typing import Any, Final, TypedDict

__all__ = ["MAX_CHARACTERS", "SpokenAnswer", "heartbeat_of", "spoken_answer"]

MAX_CHARACTERS: Final = 15_000
"""How much of an answer is shown before its end, so that a heartbeat stays below the size from which payloads are stored apart."""
_KEY: Final = "spoken_answer"


class SpokenAnswer(TypedDict):
    """What a model has said. A text that is not the beginning of a later one began again."""

    node: str
    """The AI node that asks, and its run and item."""
    run: int
    item: int
    turn: str
    """Which request of the node it is: the same when it is sent again."""
    beginning: int
    """How often the answer to this request began before, as far as this activity knows."""
    text: str


def heartbeat_of(answer: SpokenAnswer) -> dict[str, Any]:
    """Return the detail of a heartbeat that `spoken_answer` reads."""
    return {_KEY: answer}


def spoken_answer(details: Any) -> SpokenAnswer | None:
    """Return the answer in a detail of a heartbeat; None: it has none."""
    found: SpokenAnswer | None = details.get(_KEY) if isinstance(details, Mapping) else None
    return found
