"""Chat model sub-nodes: one request is one activity, and what it cost is recorded beside it."""

from collections.abc import Mapping
from typing import Any, ClassVar, cast

import orjson

from runtime.agents.dialects import embedded
from runtime.agents.dialects.chat import ModelAnswer, Request
from runtime.agents.messages import Message
from runtime.contract import ActivityContext, MissingCredential, NodeError, SubNode
from schemas.item import BinaryRef, Json

INLINE_LIMIT = 24 * 1024
"""Bytes of conversation that ride in history; longer ones are stored once and referred to."""


class ChatModel(SubNode):
    """A chat model. Subclasses write `ask` in their provider's dialect."""

    connection = "ai_languageModel"
    credential: ClassVar[str]

    async def ask(self, context: ActivityContext, request: Request) -> ModelAnswer:
        """One request, never repeated in here. Raises NodeApiError; `retryable` in its data says that it may pass."""
        raise NotImplementedError

    async def request(self, context: ActivityContext, payload: Json) -> Json:
        """Ask once. Gives `message`, `tokens`, `earlier` (a reference to the conversation so far, once it is long) and
        `read` (the wanted JSON, or the problem with it).
        """
        from runtime.agents.reading import read  # noqa: PLC0415 - JSON Schema is for activities

        asked = cast(dict[str, Any], payload)
        self._limit(context, asked.get("spent", 0))
        messages = [*await _earlier(context, asked.get("earlier")), *asked["messages"]]
        request = Request(messages, asked["tools"], asked["schema"], asked["via"], asked["settings"], asked["id"])
        answer = await self._timed(context, asked, request)
        reply: dict[str, Any] = {"message": answer.message, "tokens": answer.input_tokens + answer.output_tokens}
        if request.schema is not None:
            reply["read"] = read(answer.message, request.schema, via=request.via, unwrap=asked["unwrap"])
        if len(orjson.dumps([*asked["messages"], answer.message])) > INLINE_LIMIT:
            reply["earlier"] = await context.blobs.write(
                orjson.dumps([*messages, answer.message]), mime_type="application/json", file_name="conversation.json"
            )
        return reply

    @staticmethod
    def _limit(context: ActivityContext, spent: int) -> None:
        if spent >= context.models.token_limit:
            raise NodeError(
                f"The limit of {context.models.token_limit} model tokens for one run of a node is reached",
                description="Raise TEMPOR8_TOKENS_PER_STEP, or give the agent fewer items or iterations",
            )

    async def _timed(self, context: ActivityContext, asked: Mapping[str, Any], request: Request) -> ModelAnswer:
        import time  # noqa: PLC0415 - a clock is for activities; sub-nodes are also read in workflow code

        started = time.perf_counter()
        answer: ModelAnswer | None = None
        try:
            try:
                answer = await self.ask(context, request)
            except MissingCredential as missing:
                answer = await embedded.ask(context, request, missing, self.credential)
            return answer
        finally:
            context.usage.append(_usage(asked, answer, self.named, time.perf_counter() - started))

    @property
    def named(self) -> str:
        """The model that the node names."""
        return chosen(getattr(self, "model", None))


def chosen(model: Any) -> str:
    """A model from a text or from n8n's resource locator."""
    value = model.get("value") if isinstance(model, Mapping) else model
    return str(value or "")


def _usage(asked: Mapping[str, Any], answer: ModelAnswer | None, model: str, seconds: float) -> dict[str, Any]:
    return {
        "agent": asked.get("agent") or asked["node"],
        "node": asked["node"],
        "model": answer.model if answer else model,
        "requests": 1,
        "input_tokens": answer.input_tokens if answer else 0,
        "output_tokens": answer.output_tokens if answer else 0,
        "duration_ms": round(seconds * 1000),
        "status": "success" if answer else "error",
    }


async def _earlier(context: ActivityContext, ref: BinaryRef | None) -> list[Message]:
    return cast("list[Message]", orjson.loads(await context.blobs.read(ref))) if ref else []
