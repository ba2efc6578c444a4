"""Answers that come piece by piece, in each vendor's dialect: the words as they are said, then the same answer as without a stream."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, cast

import pytest

from runtime.agents.dialects import anthropic, cohere, gemini, ollama, openai_chat, openai_responses
from runtime.agents.dialects.anthropic_stream import MessageStream
from runtime.agents.dialects.chat import ModelAnswer, post
from runtime.agents.dialects.cohere_stream import CohereStream
from runtime.agents.dialects.event_stream import AnswerStream
from runtime.agents.dialects.gemini_stream import ContentStream
from runtime.agents.dialects.ollama_stream import LineStream
from runtime.agents.dialects.openai_chat_stream import ChatStream
from runtime.agents.dialects.openai_responses_stream import ResponseStream
from runtime.agents.models.answer_listener import AnswerListener
from runtime.contract import ActivityContext, HttpResponse, NodeApiError
from schemas.spoken_answer import MAX_CHARACTERS, SpokenAnswer, heartbeat_of, spoken_answer

ROWS: Final = json.loads((Path(__file__).parent / "streams.json").read_text("utf-8"))
DIALECTS: Final[dict[str, tuple[Callable[[], AnswerStream], Callable[[Mapping[str, Any], str], ModelAnswer]]]] = {
    "openai_chat": (ChatStream, openai_chat.read),
    "openai_responses": (ResponseStream, openai_responses.read),
    "anthropic": (MessageStream, anthropic.read),
    "cohere": (CohereStream, lambda answer, _model: cohere.read(answer, "m")),
    "gemini": (ContentStream, gemini.read),
    "ollama": (LineStream, ollama.read),
}


class Vendor:
    """Sends a row's lines, so many bytes at a time."""

    def __init__(self, row: Mapping[str, Any], size: int) -> None:
        self.row, self.size, self.http = row, size, self

    async def stream(self, url: str, *, hear: Callable[[bytes], None], **_options: Any) -> HttpResponse:
        body = "\n".join(self.row["lines"]).encode()
        for start in range(0, len(body), self.size):
            hear(body[start : start + self.size])
        type_ = self.row.get("type", "text/event-stream")
        return HttpResponse(200, "OK", [("content-type", type_)], body, url)


@pytest.mark.parametrize("size", [1, 7, 1_000_000])
@pytest.mark.parametrize("row", ROWS, ids=[row["about"] for row in ROWS])
async def test_a_stream_is_the_same_answer(row: dict[str, Any], size: int) -> None:
    make, read = DIALECTS[row["dialect"]]
    heard = list[str]()
    context = cast(ActivityContext, Vendor(row, size))
    asking = post(context, "https://example.org", {}, {}, stream=make(), hear=heard.append)
    if "message" in row:
        given = read(await asking, "asked")
        assert given.message == row["message"]
        assert [given.input_tokens, given.output_tokens] == row["tokens"]
        assert given.model == "m"
    else:
        with pytest.raises(NodeApiError, match=row.get("retryable") or row["error"]) as raised:
            read(await asking, "asked")
        assert bool(raised.value.data.get("retryable")) is ("retryable" in row)
    assert heard == row["heard"]


class Beats:
    """The heartbeats of an activity, and what an earlier attempt left."""

    run_index = 2

    def __init__(self, *left: Any) -> None:
        self.progress, self.left, self.shown = self, left, list[SpokenAnswer]()

    def details(self) -> tuple[Any, ...]:
        return self.left

    def heartbeat(self, *details: Any) -> None:
        found = spoken_answer(details[0])
        assert found is not None
        self.shown.append(found)


REQUEST: Final = {"node": "Agent", "stream": 1, "id": "run/Agent/2/1/3"}


def test_what_is_said_is_in_the_heartbeats() -> None:
    beats = Beats()
    listener = AnswerListener(cast(ActivityContext, beats), REQUEST)
    assert beats.shown == []
    listener.hear("Hello")
    assert beats.shown == [
        {"node": "Agent", "run": 2, "item": 1, "turn": "run/Agent/2/1/3", "beginning": 0, "text": "Hello"}
    ]


def test_an_attempt_after_a_crash_says_that_the_answer_begins_again() -> None:
    left: SpokenAnswer = {"node": "Agent", "run": 2, "item": 1, "turn": "t", "beginning": 0, "text": "Hel"}
    beats = Beats(heartbeat_of(left))
    AnswerListener(cast(ActivityContext, beats), REQUEST)
    assert [(each["beginning"], each["text"]) for each in beats.shown] == [(1, "")]


def test_an_answer_without_end_is_shown_to_its_limit() -> None:
    beats = Beats()
    listener = AnswerListener(cast(ActivityContext, beats), REQUEST)
    for _ in range(3):
        listener.hear("x" * MAX_CHARACTERS)
    assert max(len(each["text"]) for each in beats.shown) == MAX_CHARACTERS
