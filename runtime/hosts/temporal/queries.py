"""Answers to queries. They go through no payload store: a query of a run writes nothing, however often it is asked."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, Final

from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from runtime.hosts.temporal.hand_out import inline
from runtime.values.json_bytes import dumps
from schemas.run import JournalPage

__all__ = ["MAX_ANSWER_BYTES", "PART_CHARACTERS", "answer", "answer_page", "answer_prefix", "text_part"]

MAX_ANSWER_BYTES: Final = 3 * 1024 * 1024
"""Bytes of an answer; Temporal takes messages of 4 MiB."""
PART_CHARACTERS: Final = 400_000
"""Characters of one part of a long answer: at most 4 bytes each, and escaped as JSON text once more."""


def answer(value: Any) -> RawValue:
    """Return the answer to a query. Raises ApplicationError for one that Temporal would refuse."""
    data = dumps(value)
    if len(data) > MAX_ANSWER_BYTES:
        raise ApplicationError(
            f"the answer has {len(data):,} bytes, and {MAX_ANSWER_BYTES:,} can be sent; ask for it in parts",
            type="AnswerTooLarge",
            non_retryable=True,
        )
    return inline(data)


def answer_page(page: JournalPage, of: Callable[[JournalPage], Any]) -> RawValue:
    """Return the answer of as many steps of a page as an answer can have."""
    while True:
        data = dumps(of(page))
        if len(data) <= MAX_ANSWER_BYTES or page.limit == 1:
            return inline(data)
        page = page.model_copy(update={"limit": page.limit // 2})


def answer_prefix(values: Sequence[Any]) -> RawValue:
    """Return the answer with as many of the values as it can have: the rest is there for the next question."""
    taken: list[Any] = []
    size = 0
    for value in values:
        size += len(dumps(value)) + 1
        if taken and size > MAX_ANSWER_BYTES:
            break
        taken.append(value)
    return answer(taken)


def text_part(value: Any, at: int) -> dict[str, Any]:
    """Return a part of a value's JSON text that begins at character `at`: {text, size, digest}. `size` counts the characters
    of all parts, and `digest` is of the whole text: it changes when the value has changed between two questions.
    """
    data = dumps(value)
    text = data.decode()
    return {"text": text[at : at + PART_CHARACTERS], "size": len(text), "digest": hashlib.sha256(data).hexdigest()}
