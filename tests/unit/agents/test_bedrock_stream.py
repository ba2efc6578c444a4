"""Bedrock's answers whole: frames of its stream, reasons of an end, and what was withheld, by its documentation."""

import json
import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import pytest

from runtime.agents.dialects import bedrock, cohere
from runtime.agents.dialects.bedrock_stream import ConverseStream
from runtime.agents.dialects.chat import post
from runtime.contract import ActivityContext, HttpResponse, NodeApiError

USAGE: Final = {"inputTokens": 7, "outputTokens": 5, "totalTokens": 12}


def header(name: str, value: str) -> bytes:
    return bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()


def frame(kind: str, body: Mapping[str, Any], *, message: str = "event") -> bytes:
    """A frame as the service writes it."""
    headers = (
        header(f":{message}-type", kind)
        + header(":message-type", message)
        + header(":content-type", "application/json")
    )
    data = json.dumps(body).encode()
    start = struct.pack(">II", 16 + len(headers) + len(data), len(headers))
    start += struct.pack(">I", zlib.crc32(start))
    return start + headers + data + struct.pack(">I", zlib.crc32(start + headers + data))


def delta(index: int, **piece: Any) -> bytes:
    return frame("contentBlockDelta", {"contentBlockIndex": index, "delta": piece})


SPOKEN: Final = [
    frame("messageStart", {"role": "assistant"}),
    delta(0, reasoningContent={"text": "h"}), delta(0, reasoningContent={"text": "m"}), delta(0, reasoningContent={"signature": "s"}),
    delta(1, text="Let me "), delta(1, text="see."), frame("contentBlockStop", {"contentBlockIndex": 1}),
    frame("contentBlockStart", {"contentBlockIndex": 2, "start": {"toolUse": {"toolUseId": "t1", "name": "Find"}}}),
    delta(2, toolUse={"input": '{"q": '}), delta(2, toolUse={"input": '"tea"}'}),
    frame("messageStop", {"stopReason": "tool_use"}), frame("metadata", {"usage": USAGE, "metrics": {"latencyMs": 1}}),
]  # fmt: skip


class Vendor:
    """Sends frames, so many bytes at a time."""

    def __init__(self, body: bytes, size: int) -> None:
        self.body, self.size, self.http = body, size, self

    async def stream(self, url: str, *, hear: Callable[[bytes], None], **_options: Any) -> HttpResponse:
        for start in range(0, len(self.body), self.size):
            hear(self.body[start : start + self.size])
        return HttpResponse(200, "OK", [("content-type", "application/vnd.amazon.eventstream")], self.body, url)


async def told(body: bytes, size: int = 1_000_000) -> tuple[dict[str, Any], list[str]]:
    heard = list[str]()
    context = cast(ActivityContext, Vendor(body, size))
    return await post(context, "https://example.org", {}, {}, stream=ConverseStream(), hear=heard.append), heard


@pytest.mark.parametrize("size", [1, 7, 1_000_000])
async def test_frames_are_the_same_answer(size: int) -> None:
    whole, heard = await told(b"".join(SPOKEN), size)
    assert heard == ["Let me ", "see."]
    given = bedrock.read(whole, "m")
    assert given.message["content"] == "Let me see."
    assert given.message["tool_calls"] == [{"id": "t1", "name": "Find", "arguments": {"q": "tea"}}]
    raw: Any = given.message["raw"]
    assert raw[0] == {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}}
    assert (given.input_tokens, given.output_tokens) == (7, 5)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"".join(SPOKEN[:6]), "broke off"),
        (SPOKEN[4][:-1] + b"x", "broke off"),
        (b"no frame at all, but a page", "broke off"),
        (
            SPOKEN[4] + frame("modelStreamErrorException", {"message": "engine"}, message="exception"),
            "Service unavailable",
        ),
    ],
    ids=["cut", "damaged", "a page", "an exception in the middle"],
)
async def test_what_breaks_off_may_be_asked_for_again(body: bytes, error: str) -> None:
    with pytest.raises(NodeApiError, match=error) as raised:
        await told(body)
    assert raised.value.data["retryable"] is True


@pytest.mark.parametrize(
    ("reason", "content", "error", "again"),
    [
        ("content_filtered", [], "gave no answer", False),
        ("guardrail_intervened", [], "gave no answer", False),
        ("malformed_tool_use", [{"text": "x"}], "could not finish", True),
        ("model_context_window_exceeded", [], "gave no answer", False),
    ],
)
def test_an_end_that_is_none_fails(reason: str, content: list[Any], error: str, again: bool) -> None:
    answer = {"output": {"message": {"role": "assistant", "content": content}}, "stopReason": reason, "usage": USAGE}
    with pytest.raises(NodeApiError, match=error) as raised:
        bedrock.read(answer, "m")
    assert bool(raised.value.data.get("retryable")) is again


@pytest.mark.parametrize("reason", ["end_turn", "max_tokens", "guardrail_intervened"])
def test_what_was_said_before_an_end_is_the_answer(reason: str) -> None:
    answer = {
        "output": {"message": {"role": "assistant", "content": [{"text": "no"}]}},
        "stopReason": reason,
        "usage": USAGE,
    }
    assert bedrock.read(answer, "m").message["content"] == "no"


def test_an_answer_of_cohere_that_is_none_fails() -> None:
    with pytest.raises(NodeApiError, match="could not finish"):
        cohere.read({"finish_reason": "TIMEOUT", "message": {"role": "assistant", "content": []}}, "m")
    with pytest.raises(NodeApiError, match="gave no answer"):
        cohere.read({"id": "1"}, "m")
