"""Chat model sub-nodes: one request is one activity, and its usage of tokens is recorded with it."""

from collections.abc import Mapping
from typing import Any, ClassVar, cast

import orjson

from runtime.agents.attached_files import read_texts
from runtime.agents.dialects import embedded
from runtime.agents.dialects.chat import ModelAnswer, Request
from runtime.agents.messages import Message
from runtime.contract import ActivityContext, MissingCredential, SubNode
from schemas.item import BinaryRef, Json

INLINE_BYTES = 4 * 1024
"""Size up to which what is new in a conversation is part of the history; then the whole is stored and referenced."""


class ChatModel(SubNode):
    """A chat model. Subclasses write `ask` in their provider's dialect."""

    connection = "ai_languageModel"
    credential: ClassVar[str]

    async def ask(self, context: ActivityContext, request: Request) -> ModelAnswer:
        """Send one request, once, and return the answer.

        Raise NodeApiError; `retryable` in its data says that a later attempt may succeed.
        """
        raise NotImplementedError

    def answers_in_parts(self, version: float, *, streamed: bool) -> bool:
        """Return whether n8n's client has an answer as a list of parts, even if it is one. `streamed`: it is asked for a stream."""
        del version, streamed
        return False

    async def request(self, context: ActivityContext, payload: Json) -> Json:
        """Send the request in `payload` and return `message`, `tokens`, `earlier` (a reference to the conversation so far,
        once it is long), `read` (the JSON of the schema, or the problem with it) and `unfit` (calls whose arguments do not fit
        the tool's schema: id -> what the model is told).
        """
        from runtime.agents.models.answer_listener import AnswerListener  # noqa: PLC0415 - a clock is for activities
        from runtime.agents.parsers.answer_parser import parse_answer  # noqa: PLC0415 - JSON Schema is for activities
        from runtime.agents.tools.argument_check import unfit_calls, unknown_tools  # noqa: PLC0415 - likewise

        data = cast(dict[str, Any], payload)
        messages = [*await _earlier(context, data.get("earlier")), *data["messages"]]
        told = await read_texts(context, messages)
        hear = AnswerListener(context, data).hear if "stream" in data else None
        request = Request(told, data["tools"], data["schema"], data["via"], data["settings"], data["id"], hear)
        answer = await self._ask_and_record(context, data, request)
        reply: dict[str, Any] = {"message": answer.message, "tokens": answer.input_tokens + answer.output_tokens}
        if request.schema is not None:
            reply["read"] = parse_answer(answer.message, request.schema, via=request.via, unwrap=data["unwrap"])
        for name in unknown_tools(answer.message.get("tool_calls") or (), request.tools):
            context.log.info("a call of a tool was refused: there is none of this name", tool=name, agent=data["node"])
        if unfit := unfit_calls(answer.message.get("tool_calls") or (), request.tools, request.via):
            reply["unfit"] = unfit
        if len(orjson.dumps([*data["messages"], answer.message])) > INLINE_BYTES:
            reply["earlier"] = await context.blobs.write(
                orjson.dumps([*messages, answer.message]),
                mime_type="application/json",
                file_name="conversation.json",
                apart=True,
            )
        return reply

    async def _ask_and_record(self, context: ActivityContext, data: Mapping[str, Any], request: Request) -> ModelAnswer:
        from runtime.agents.models.metering import Used, metered  # noqa: PLC0415 - a clock and prices are for activities

        async def ask() -> ModelAnswer:
            try:
                return await self.ask(context, request)
            except MissingCredential as missing:
                return await embedded.ask(context, request, missing, self.credential)

        return await metered(
            context, ask, lambda answer: Used(answer.model, answer.input_tokens, answer.output_tokens), node=data["node"],
            agent=data.get("agent") or data["node"], credential=self.credential, model=self.model_id, spent=data.get("spent", 0),
        )  # fmt: skip

    @property
    def model_id(self) -> str:
        """The model that the node names."""
        return model_id(getattr(self, "model", None))


def model_id(model: Any) -> str:
    """Return the model's name from a text or from n8n's resource locator."""
    value = model.get("value") if isinstance(model, Mapping) else model
    return str(value or "")


async def _earlier(context: ActivityContext, ref: BinaryRef | None) -> list[Message]:
    return cast("list[Message]", orjson.loads(await context.blobs.read(ref))) if ref else []
