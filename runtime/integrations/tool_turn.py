"""One turn of a vendor's model that has tools: a request, as one activity."""

import json
from collections.abc import Mapping
from typing import Any, cast

from runtime.agents.messages import ToolSpec
from runtime.agents.models.chat_model import INLINE_BYTES
from runtime.agents.tools.toolbox import one_text
from runtime.contract import ActivityContext, Items
from runtime.integrations.described import Described
from runtime.integrations.model_requests import tokens_of
from runtime.integrations.node_run import NodeRun
from runtime.integrations.tool_talk import CalledTool, ToolTalk
from schemas.item import Json

__all__ = ["run_all", "take_turn"]

CORRECT = "{} Correct them and call the tool again."


async def run_all(node: Described, context: ActivityContext, payload: Json) -> Json:
    """Run an operation that has no use for tools: for all items, as the node does to which none are connected."""
    del payload
    items: Items = next((each for each in context.inputs if each), [])
    return cast(Json, await NodeRun(node, context, items).all_items())


async def take_turn(node: Described, context: ActivityContext, payload: Json) -> Json:
    """Send the request of `payload` and return what the model calls: `body` (the conversation, or a reference to it), `calls` and
    `unfit` (id of a call -> what the model is told instead of running it); or `items`, which end the talk. `tokens` are used.

    Raise NodeError.
    """
    data = cast(dict[str, Any], payload)
    node_run = NodeRun(node, context, _items(context, data["item"]), data["spent"])
    with node_run.telling():
        return await _turn(node, context, data, node_run)


async def _turn(node: Described, context: ActivityContext, data: Mapping[str, Any], node_run: NodeRun) -> Json:
    from runtime.agents.tools.argument_check import unknown_tools  # noqa: PLC0415 - JSON Schema is for activities

    scope, sender = await node_run.prepare(data["item"])
    operation = node.operation_of(scope)
    run = node_run.run_of(sender, operation)
    talk = cast(ToolTalk, getattr(node.module, operation.tool_talk or ""))
    if data["body"] is None:
        body = await talk.begin(run, scope)
    else:
        body = await _stored(context, data["body"])
        talk.add_results(body, data["calls"], data["results"])
    response = await talk.send(run, scope, talk.declare(body, [*map(_told, data["tools"])]))
    tokens = sum(tokens_of(response))
    calls = talk.calls(response)
    if calls is None or data["last" if calls else "last_pause"]:
        paired = {"pairedItem": {"item": data["item"]}}
        return cast(Json, {"items": [{**paired, **each} for each in talk.items(scope, response)], "tokens": tokens})
    talk.add_answer(body, response)
    reply: dict[str, Any] = {"body": await _kept(context, body), "calls": calls, "tokens": tokens}
    for name in unknown_tools(cast(Any, calls), data["tools"]):
        context.log.info("a call of a tool was refused: there is none of this name", tool=name, agent=context.name)
    if unfit := _unfit(calls, data["tools"]):
        reply["unfit"] = unfit
    return cast(Json, reply)


def _items(context: ActivityContext, i: int) -> Items:
    """Return the items of a task that may have no other than item `i`, which stands at its place then."""
    items: Items = next((each for each in context.inputs if each), [])
    return [items[0]] * (i + 1) if len(items) == 1 else items


def _told(tool: ToolSpec) -> ToolSpec:
    """Return a tool as n8n tells these models of it: none need give the text of a tool that takes one."""
    text = one_text()
    if tool["schema"] != text:
        return tool
    schema = {name: each for name, each in text.items() if name != "required"}
    return cast(ToolSpec, {**tool, "schema": schema})


def _unfit(calls: list[CalledTool], tools: Any) -> dict[str, str]:
    """Return what the model is told of calls whose arguments do not fit; of the others take away what the schema does not know."""
    from runtime.agents.parsers.answer_parser import strip_unknown_fields  # noqa: PLC0415 - JSON Schema is for activities
    from runtime.agents.tools.argument_check import unfit_calls  # noqa: PLC0415 - likewise

    broken = {each["id"]: CORRECT.format(each["problem"]) for each in calls if "problem" in each}
    schemas = {each["name"]: each["schema"] for each in tools}
    for each in calls:
        if each["name"] in schemas:
            each["arguments"] = strip_unknown_fields(each["arguments"], schemas[each["name"]])
    return {**unfit_calls(cast(Any, calls), tools, None), **broken}


async def _stored(context: ActivityContext, body: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(await context.blobs.read(body["ref"])) if "ref" in body else body["here"])


async def _kept(context: ActivityContext, body: Mapping[str, Any]) -> dict[str, Any]:
    content = json.dumps(body, ensure_ascii=False).encode()
    if len(content) <= INLINE_BYTES:
        return {"here": body}
    ref = await context.blobs.write(content, mime_type="application/json", file_name="conversation.json", apart=True)
    return {"ref": ref}
