"""Base of text splitter sub-nodes: their loader asks how to split, and splits in its own activity."""

from math import isfinite
from typing import Any

from runtime.agents.retrieval.splitting import Splitting
from runtime.contract import NodeError, SubNode
from runtime.values.javascript import js_number


class TextSplitter(SubNode):
    """A text splitter."""

    connection = "ai_textSplitter"

    def splitting(self) -> Splitting:
        """Return how it splits. Raise NodeError for sizes that are no numbers."""
        raise NotImplementedError


def characters(size: Any, overlap: Any) -> tuple[int, int]:
    """Return size and overlap of chunks. Raise NodeError when one is no number, or the overlap is not the smaller one."""
    numbers = [js_number(size), js_number(overlap)]
    if not all(isfinite(number) for number in numbers):
        raise NodeError("Chunk size and overlap must be numbers")
    if numbers[1] >= numbers[0]:
        raise NodeError("Cannot have chunkOverlap >= chunkSize")
    return int(numbers[0]), int(numbers[1])
