"""What the models of fresh agents say, drawn from a seed, and how each vendor's service says it."""

import base64
import json
import random
import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final

__all__ = ["FORMAT_TOOL", "AnswerDrawer", "embeddings", "in_dialect"]

Json = dict[str, Any]
FORMAT_TOOL: Final = "format_final_json_response"
TEXTS: Final = (
    "Hello there", "The answer is 42.", "", "  padded \n", "Line one\nLine two\n\n- a\n- b", "null", "[]", "42", '"quoted"', "true",
    "é ünï — “curly” 😀", "{{ $json.id }}", '{"oops": ', 'Sure! Here it is:\n```json\n{"state": "CA"}\n```\nAnything else?', "<think>hm</think>Done",
)  # fmt: skip
OBJECTS: Final[tuple[Any, ...]] = (
    {"state": "CA", "n": 3}, {"state": "CA"}, {"n": "3", "state": "CA"}, {"state": None, "n": 3}, {"state": "CA", "n": 3, "more": [1]}, [],
    {"output": {"state": "CA", "n": 3}}, {"output": {"output": {"state": "CA", "n": 3}}}, {"output": "text"}, {}, [{"state": "CA", "n": 3}],
)  # fmt: skip
CATEGORIES: Final[tuple[Any, ...]] = (
    {"red": True, "blue": False, "fallback": False}, {"red": False, "blue": True}, {"red": True, "blue": True}, {"red": False, "blue": False},
    {"red": False, "blue": False, "fallback": True}, {"red": "true", "blue": False}, {"green": True}, {}, [], {"Red": True},
)  # fmt: skip
SENTIMENTS: Final[tuple[Any, ...]] = (
    {"sentiment": "Positive", "strength": 0.9, "confidence": 0.8}, {"sentiment": "positive"}, {"sentiment": "Angry", "strength": 1, "confidence": 1},
    {"sentiment": "Neutral", "strength": 2, "confidence": -1}, {}, {"sentiment": 3}, {"sentiment": "Negative", "strength": "0.5", "confidence": "1"},
)  # fmt: skip
SCORES: Final[tuple[Any, ...]] = (
    {"confidenceScore": 0.1, "flagged": False}, {"confidenceScore": 0.9, "flagged": True}, {"confidenceScore": 0.9, "flagged": False},
    {"confidenceScore": "0.9", "flagged": True}, {"flagged": True}, {},
)  # fmt: skip
REFUSALS: Final[tuple[Json, ...]] = (
    {"status": 400, "json": {"error": {"message": "bad request here", "type": "invalid_request_error", "code": "bad"}}},
    {"status": 401, "json": {"error": {"message": "Incorrect API key provided", "type": "invalid_request_error", "code": "invalid_api_key"}}},
    {"status": 404, "json": {"error": {"message": "no such model", "type": "invalid_request_error", "code": "model_not_found"}}},
    {"status": 429, "json": {"error": {"message": "slow down", "type": "requests", "code": "rate_limit_exceeded"}}},
    {"status": 500, "json": {"error": {"message": "the server had an error"}}}, {"status": 503, "text": "overloaded"},
    {"status": 403, "json": {"error": {"message": "not for you"}}}, {"status": 422, "json": {"detail": "cannot be processed"}},
)  # fmt: skip
ODD: Final[tuple[Json, ...]] = ({"finish": "length"}, {"usage": None}, {"null": True})
"""The answer was cut; nothing is told of tokens; no text at all."""
ARGUMENTS: Final[tuple[Any, ...]] = (
    {},
    {"input": "1+1"},
    {"input": 5},
    {"query": "x"},
    '{"input": "cut',
    "plain text",
    {"input": "a", "more": 1},
    "[1]",
)


class AnswerDrawer:
    """Draws what one model says in a case, one answer per request; the last one repeats."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw

    def script(self, pool: Sequence[Any], *, length: int = 3) -> list[Json]:
        """Return answers whose JSON is of a pool (empty: texts), most of them as they should be."""
        return [self._final(pool) for _ in range(self._draw.randint(1, length))]

    def calling(self, tools: Sequence[Json], pool: Sequence[Any], *, parsed: bool, unknown: bool) -> list[Json]:
        """Return turns that call tools (`name`, `arguments`: likely ones; `unknown`: one that there is not too), and the final answer;
        seldom there is none.
        """
        turns = (
            [self._calls(tools, unknown=unknown) for _ in range(self._draw.choice((0, 1, 1, 1, 2, 3)))] if tools else []
        )
        if turns and self._draw.random() < 0.06:
            return turns
        final = self._final(pool)
        if parsed and self._draw.random() < 0.7:
            value = self._draw.choice(pool)
            arguments = value if self._draw.random() < 0.2 else {"output": value}
            final = {"calls": [[FORMAT_TOOL, arguments]], "content": ""}
        return [*turns, final]

    def _final(self, pool: Sequence[Any]) -> Json:
        draw, chance = self._draw, self._draw.random()
        if chance < 0.07:
            return draw.choice(REFUSALS)
        if chance < 0.1:
            return {"content": "cut or not", **draw.choice(ODD)}
        if not pool or draw.random() < 0.08:
            return {"content": draw.choice(TEXTS)}
        text = json.dumps(pool[0] if draw.random() < 0.4 else draw.choice(pool))
        fenced = (
            text,
            text,
            text,
            f"```json\n{text}\n```",
            f"```\n{text}\n```",
            f"Here you are: {text}",
            f"\n{text}\n\n",
        )
        return {"content": draw.choice(fenced)}

    def _calls(self, tools: Sequence[Json], *, unknown: bool) -> Json:
        draw, calls = self._draw, []
        for _ in range(draw.choice((1, 1, 1, 2, 3))):
            tool = draw.choice(tools)
            arguments = tool["arguments"] if draw.random() < 0.92 else draw.choice(ARGUMENTS)
            calls.append([tool["name"] if not unknown or draw.random() < 0.95 else "no_such_tool", arguments])
        return {"calls": calls, "content": draw.choice(("", "", "", "Let me look."))}


def in_dialect(path: str, body: Mapping[str, Any], said: Mapping[str, Any], number: int) -> Json:
    """Return an answer as the service of a path gives it: {"status"?, "json" | "text"}, a stream where one is asked for. `number`
    tells ids of calls apart.
    """
    if "status" in said:
        return {key: said[key] for key in ("status", "json", "text") if key in said}
    calls = [(f"call_{number}_{n}", name, args) for n, (name, args) in enumerate(said.get("calls", ()))]
    text = None if said.get("null") else said.get("content", "")
    if path.endswith("/api/chat"):
        return _ollama(body, said, text, calls)
    kind = next((each for each in STREAMS if path.endswith(each)), "")
    whole = _VENDORS.get(kind, _gemini)(body, said, text, calls)
    if not (body.get("stream") or "stream" in path):
        return {"json": whole}
    events = STREAMS[kind](whole) if kind else [whole]
    lines = (
        f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" if "type" in each else f"data: {json.dumps(each)}\n\n"
        for each in events
    )
    end = "data: [DONE]\n\n" if kind == "/chat/completions" else ""
    return {"text": "".join(lines) + end, "headers": {"content-type": "text/event-stream"}}


def _chat_stream(whole: Json) -> list[Json]:
    """Return the chunks of a chat completion, the text in two pieces."""
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": whole["model"]}
    chunks: list[Json] = []
    for choice in whole["choices"]:
        message = choice["message"]
        text = message["content"] or ""
        deltas: list[Json] = [{"role": "assistant", "content": "" if message["content"] is not None else None}]
        deltas += [{"content": each} for each in (text[:5], text[5:]) if each]
        deltas += [{"tool_calls": [{"index": n, **each}]} for n, each in enumerate(message.get("tool_calls", ()))]
        chunks += [{**head, "choices": [{"index": 0, "delta": each, "finish_reason": None}]} for each in deltas]
        chunks.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}]})
    return [*chunks, {**head, "choices": [], "usage": whole.get("usage")}]


def _responses_stream(whole: Json) -> list[Json]:
    """Return the events of a response."""
    events: list[Json] = [{"type": "response.created", "response": {**whole, "output": [], "status": "in_progress"}}]
    for n, each in enumerate(whole["output"]):
        place = {"output_index": n, "item_id": each["id"]}
        if each["type"] == "message":
            text = each["content"][0]["text"]
            empty = {"type": "output_text", "text": "", "annotations": []}
            events += [
                {"type": "response.output_item.added", "output_index": n, "item": {**each, "content": []}},
                {"type": "response.content_part.added", "content_index": 0, "part": empty, **place},
                *({"type": "response.output_text.delta", "content_index": 0, "delta": piece, **place} for piece in (text[:5], text[5:]) if piece),
                {"type": "response.output_text.done", "content_index": 0, "text": text, **place},
            ]  # fmt: skip
        else:
            events += [
                {"type": "response.output_item.added", "output_index": n, "item": {**each, "arguments": ""}},
                {"type": "response.function_call_arguments.delta", "delta": each["arguments"], **place},
                {"type": "response.function_call_arguments.done", "arguments": each["arguments"], **place},
            ]  # fmt: skip
        events.append({"type": "response.output_item.done", "output_index": n, "item": each})
    return [
        *events,
        {"type": "response.completed" if whole["status"] == "completed" else "response.incomplete", "response": whole},
    ]


def _anthropic_stream(whole: Json) -> list[Json]:
    """Return the events of a message."""
    events: list[Json] = [{"type": "message_start", "message": {**whole, "content": [], "stop_reason": None}}]
    for n, block in enumerate(whole["content"]):
        text = block["type"] == "text"
        empty = {**block, "text": ""} if text else {**block, "input": {}}
        piece = (
            {"type": "text_delta", "text": block["text"]}
            if text
            else {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        )
        events += [
            {"type": "content_block_start", "index": n, "content_block": empty},
            {"type": "content_block_delta", "index": n, "delta": piece}, {"type": "content_block_stop", "index": n},
        ]  # fmt: skip
    delta = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    return [*events, {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 5}}, {"type": "message_stop"}]


STREAMS: Final = {"/chat/completions": _chat_stream, "/responses": _responses_stream, "/messages": _anthropic_stream}


Calls = Sequence[tuple[str, str, Any]]


def _chat(body: Mapping[str, Any], said: Mapping[str, Any], text: str | None, calls: Calls) -> Json:
    message: Json = {"role": "assistant", "content": text}
    if calls:
        message["tool_calls"] = [
            {"id": id_, "type": "function", "function": {"name": name, "arguments": args if isinstance(args, str) else json.dumps(args)}}
            for id_, name, args in calls
        ]  # fmt: skip
    finish = said.get("finish") or ("tool_calls" if calls else "stop")
    usage = {} if "usage" in said else {"usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}}
    choices = [] if said.get("none") else [{"index": 0, "message": message, "finish_reason": finish}]
    return {"id": "c", "object": "chat.completion", "created": 1, "model": body["model"], "choices": choices, **usage}


def _responses(body: Mapping[str, Any], said: Mapping[str, Any], text: str | None, calls: Calls) -> Json:
    output: list[Json] = []
    if text and not said.get("none"):
        content = [{"type": "output_text", "text": text, "annotations": []}]
        output.append({"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": content})
    output += [
        {"type": "function_call", "id": f"f{id_}", "call_id": id_, "name": name, "status": "completed",
         "arguments": args if isinstance(args, str) else json.dumps(args)}
        for id_, name, args in calls
    ]  # fmt: skip
    cut = (
        {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
        if "finish" in said
        else {"status": "completed"}
    )
    usage = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
    return {
        "id": "r",
        "object": "response",
        "created_at": 1,
        "model": body["model"],
        "output": output,
        "usage": usage,
        **cut,
    }


def _anthropic(body: Mapping[str, Any], said: Mapping[str, Any], text: str | None, calls: Calls) -> Json:
    content: list[Json] = [{"type": "text", "text": text}] if text and not said.get("none") else []
    content += [{"type": "tool_use", "id": id_, "name": name, "input": _object(args)} for id_, name, args in calls]
    stop = "max_tokens" if "finish" in said else "tool_use" if calls else "end_turn"
    usage = {"input_tokens": 10, "output_tokens": 5}
    return {"id": "m", "type": "message", "role": "assistant", "model": body["model"], "content": content, "stop_reason": stop,
            "stop_sequence": None, "usage": usage}  # fmt: skip


def _gemini(body: Mapping[str, Any], said: Mapping[str, Any], text: str | None, calls: Calls) -> Json:
    del body
    parts: list[Json] = [{"text": text}] if text else []
    parts += [{"functionCall": {"name": name, "args": _object(args)}} for _, name, args in calls]
    candidate = {
        "content": {"role": "model", "parts": parts},
        "finishReason": "MAX_TOKENS" if "finish" in said else "STOP",
        "index": 0,
    }
    usage = (
        {}
        if "usage" in said
        else {"usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15}}
    )
    return {"candidates": [] if said.get("none") else [candidate], **usage}


def _ollama(body: Mapping[str, Any], said: Mapping[str, Any], text: str | None, calls: Calls) -> Json:
    message: Json = {"role": "assistant", "content": text or ""}
    if calls:
        message["tool_calls"] = [{"function": {"name": name, "arguments": _object(args)}} for _, name, args in calls]
    end = {
        "done": True,
        "done_reason": said.get("finish", "stop"),
        "prompt_eval_count": 10,
        "eval_count": 5,
        "total_duration": 1,
    }
    start = {"model": body["model"], "created_at": "2026-01-15T12:00:00Z"}
    if body.get("stream"):
        lines = [
            {**start, "message": message, "done": False},
            {**start, "message": {"role": "assistant", "content": ""}, **end},
        ]
        return {
            "text": "".join(json.dumps(each) + "\n" for each in lines),
            "headers": {"content-type": "application/x-ndjson"},
        }
    return {"json": {**start, "message": message, **end}}


_VENDORS: Final = {"/chat/completions": _chat, "/responses": _responses, "/messages": _anthropic}


def _object(arguments: Any) -> Json:
    """Return arguments as services give them that have no texts for them."""
    return arguments if isinstance(arguments, dict) else {"input": arguments}


LETTERS: Final = ("ae", "io", "un", "rst", "lmk", "bcd", "fgh", "pvw")


def embeddings(body: Mapping[str, Any]) -> Json:
    """Return vectors of eight numbers, in OpenAI's form: how often groups of letters occur."""
    texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
    as_text = body.get("encoding_format") == "base64"
    vectors = [_vector(each) for each in texts]
    data = [
        {"object": "embedding", "index": n, "embedding": base64.b64encode(struct.pack("<8f", *each)).decode() if as_text else each}
        for n, each in enumerate(vectors)
    ]  # fmt: skip
    return {"object": "list", "data": data, "model": body["model"], "usage": {"prompt_tokens": 1, "total_tokens": 1}}


def _vector(text: str) -> list[float]:
    counts = [1 + sum(text.lower().count(letter) * (n + 1) for n, letter in enumerate(group)) for group in LETTERS]
    counts[0] += len(text) % 7
    length = sum(each * each for each in counts) ** 0.5 or 1.0
    return [round(each / length, 4) for each in counts]
