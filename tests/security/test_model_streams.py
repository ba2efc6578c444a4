"""Answers of models in very many pieces take time with their number: an author may name any server as a model's."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from runtime.agents.dialects.anthropic_stream import MessageStream
from runtime.agents.dialects.bedrock_stream import ConverseStream
from runtime.agents.dialects.cohere_stream import CohereStream
from runtime.agents.dialects.event_stream import AnswerStream
from runtime.agents.dialects.gemini_stream import ContentStream
from runtime.agents.dialects.ollama_stream import LineStream
from runtime.agents.dialects.openai_chat_stream import ChatStream
from runtime.agents.tools.event_lines import EventLines
from tests.security.growth import super_linear

PIECE = "12345678" * 32
CALL = {"index": 0, "function": {"arguments": PIECE}}
STREAMS: Mapping[str, tuple[Callable[[], AnswerStream], list[dict[str, Any]], dict[str, Any]]] = {
    "OpenAI, text": (ChatStream, [], {"choices": [{"delta": {"content": PIECE}}]}),
    "OpenAI, arguments": (ChatStream, [], {"choices": [{"delta": {"tool_calls": [CALL]}}]}),
    "Cohere, text": (CohereStream, [], {"type": "content-delta", "delta": {"message": {"content": {"text": PIECE}}}}),
    "Cohere, arguments": (CohereStream, [], {"type": "tool-call-delta", "index": 0, "delta": {"message": {"tool_calls": CALL}}}),
    "Anthropic, text": (
        MessageStream,
        [{"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}],
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": PIECE}},
    ),
    "Anthropic, arguments": (
        MessageStream,
        [{"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use"}}],
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": PIECE}},
    ),
    "Bedrock, text": (ConverseStream, [], {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": PIECE}}}),
    "Bedrock, arguments": (
        ConverseStream,
        [{"contentBlockStart": {"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "1", "name": "a"}}}}],
        {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"toolUse": {"input": PIECE}}}},
    ),
    "Gemini, text": (ContentStream, [], {"candidates": [{"content": {"parts": [{"text": PIECE}]}}]}),
    "Ollama, text": (LineStream, [], {"message": {"content": PIECE}}),
}  # fmt: skip
"""Which answer -> its stream, the events before its pieces, and the event of a piece."""


@pytest.mark.parametrize("name", STREAMS)
def test_an_answer_in_many_pieces_takes_linear_time(name: str) -> None:
    """Text that grew by each piece held the loop of a worker for two minutes at 160,000 pieces."""
    made, before, piece = STREAMS[name]

    def take(pieces: str) -> None:
        """Take as many pieces as the text has characters."""
        stream = made()
        for each in before:
            stream.add(each)
        for _ in pieces:
            stream.add(piece)
        stream.whole()

    assert super_linear(take, "x".__mul__) is None


def test_a_line_of_an_mcp_stream_in_many_pieces_takes_linear_time() -> None:
    """A server may send a line of megabytes in pieces of a few bytes."""

    def take(pieces: str) -> None:
        """Take as many pieces of one line as the text has characters."""
        lines = EventLines()
        for _ in pieces:
            lines.feed(b"12345678" * 32)
        lines.feed(b"\n")

    assert super_linear(take, "x".__mul__) is None
