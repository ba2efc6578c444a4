"""What the model asked of a tool and what the tool answered, to look at: with secrets masked, and no more than can be read."""

from collections.abc import Mapping
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
    error = _first(result, "error")
    input_, output = _first(task, "arguments", "payload"), _first(result, "error", "value", "outputs")
    return ToolPayloads(_excerpt(input_), _excerpt(output), failed=error is not None, ended=payloads.ended)


def _first(document: Mapping[str, Any] | None, *members: str) -> Any:
    """Return the first of these members that says something."""
    return next((document[each] for each in members if document.get(each) is not None), None) if document else None


def _excerpt(value: Any) -> Excerpt | None:
    if value is None:
        return None
    masked = redact_json(value, depth=DEPTH)
    text = masked if isinstance(masked, str) else show_json(masked)
    return Excerpt(text[:MOST_CHARACTERS], max(0, len(text) - MOST_CHARACTERS))
