"""Shows what a model says while it speaks: in the heartbeats of the activity that asks it. Inside activities only."""

import time
from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import ActivityContext
from schemas.spoken_answer import MAX_CHARACTERS, SpokenAnswer, heartbeat_of, spoken_answer

__all__ = ["AnswerListener"]

PAUSE_SECONDS: Final = 0.05
"""Between two heartbeats with a short text."""
CHARACTERS_PER_SECOND: Final = 100_000
"""A heartbeat has the whole text, so the pause grows with it: this much is sent in a second, whatever the length."""


class AnswerListener:
    """Takes the text of one answer as it comes.

    The recorded answer is what counts: what is shown here may begin again after a crash, and its end may not be shown.

    Args:
        context: of the activity.
        data: the payload of the request.
    """

    def __init__(self, context: ActivityContext, data: Mapping[str, Any]) -> None:
        self._progress = context.progress
        before = next((found for each in self._progress.details() if (found := spoken_answer(each)) is not None), None)
        self._answer: SpokenAnswer = {
            "node": data["node"], "run": context.run_index, "item": data["stream"], "turn": data["id"],
            "beginning": 0 if before is None else before["beginning"] + 1, "text": "",
        }  # fmt: skip
        self._shown_at = 0.0
        if before is not None:
            self._show()  # at once: what a worker that died had shown is not part of this answer

    def hear(self, text: str) -> None:
        """Take what the model has said next."""
        said = self._answer["text"]
        if len(said) >= MAX_CHARACTERS:
            return
        self._answer["text"] = (said + text)[:MAX_CHARACTERS]
        pause = max(PAUSE_SECONDS, len(said) / CHARACTERS_PER_SECOND)
        if time.monotonic() - self._shown_at >= pause:
            self._show()

    def _show(self) -> None:
        self._shown_at = time.monotonic()
        self._progress.heartbeat(heartbeat_of({**self._answer}))
