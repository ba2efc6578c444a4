"""What the model asked of a tool and what the tool answered, to look at: with secrets masked, and no more than can be read."""

from dataclasses import dataclass
from typing import Any, Final

from api.console.pages import show_json
from schemas.redact import redact_json
from service.activity_payloads import ActivityPayloads

__all__ = ["MOST_CHARACTERS", "Excerpt", "ToolPayloads", "tool_payloads"]

MOST_CHARACTERS: Final = 10_000
"""Characters of a text that is shown."""
DEPTH: Final = 50


@dataclass(frozen=True)
class Excerpt:
    """A text, or its beginning."""

    text: str
    left_out: int
    """Characters."""


@dataclass(frozen=True)
class ToolPayloads:
    """Input and output of a call; None: not known, or too large to be opened."""

    input: Excerpt | None
    output: Excerpt | None
    failed: bool
    ended: bool


def tool_payloads(payloads: ActivityPayloads) -> ToolPayloads:
    """Return input and output of a call of a sub-node."""
    task, result = payloads.task, payloads.result
    asked = None if task is None else task.get("arguments", task.get("payload"))
    error = None if result is None else result.get("error")
    answered = error or (None if result is None else result.get("value", result.get("outputs")))
    return ToolPayloads(_excerpt(asked), _excerpt(answered), failed=bool(error), ended=payloads.ended)


def _excerpt(value: Any) -> Excerpt | None:
    if value is None:
        return None
    masked = redact_json(value, depth=DEPTH)
    text = masked if isinstance(masked, str) else show_json(masked)
    return Excerpt(text[:MOST_CHARACTERS], max(0, len(text) - MOST_CHARACTERS))
