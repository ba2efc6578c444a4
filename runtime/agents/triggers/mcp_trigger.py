"""MCP Server Trigger: the connected tools, for clients of the Model Context Protocol. Each request for them is a run."""

from collections.abc import Mapping
from typing import Any, ClassVar, cast

from runtime.agents.messages import ToolCall, ToolSpec
from runtime.agents.roots.root import CommandResult, Continue, Finish, ItemState, Root
from runtime.agents.tools import toolbox
from runtime.contract import (
    ActivityContext,
    Call,
    Command,
    Done,
    DurableContext,
    Dynamic,
    Event,
    Respond,
    param,
)
from schemas.facts import CredentialUse, NodeIdentity
from schemas.item import Item, Json
from schemas.names import MCP
from schemas.plan import Route


class McpTrigger(Root):
    """The API answers what concerns the connection, and starts a run with the item `{method, params}` for the rest."""

    type = "@n8n/n8n-nodes-langchain.mcpTrigger"
    versions: ClassVar[tuple[float, ...]] = (1, 1.1, 2, 2.1)
    trigger = "webhook"
    input_count = 0
    has_caller = True
    responds = True
    differs = "It is served by the streamable HTTP transport at /mcp/<tenant>/<path>, not by server-sent events"
    credential_uses = (
        CredentialUse("httpBearerAuth", {"authentication": ["bearerAuth"]}),
        CredentialUse("httpHeaderAuth", {"authentication": ["headerAuth"]}),
    )

    authentication: str = param(
        "none", unsupported={"n8nOAuth2": "use Bearer Auth or Header Auth: there are no users of n8n here"}
    )
    require_execute_access: bool = param(True, show={"authentication": ["n8nOAuth2"]})
    include_user_in_output: bool = param(
        True, show={"authentication": ["n8nOAuth2"], "@version": [{"_cnd": {"gte": 2.1}}]}
    )
    path: Dynamic[str] = param("", required=True)
    instructions: Dynamic[str] = param("")

    def routes(self, identity: NodeIdentity) -> list[Route]:
        """Return the address of the server."""
        path = str(self.path or "").strip("/") or identity.webhook_id or identity.id or identity.name
        return [Route(method=MCP, path=path, node=identity.name, response_mode="responseNode")]

    def caller_mode(self) -> str:
        """Return the response mode."""
        return "responseNode"

    def advance(self, context: DurableContext, state: Json, event: Event | None) -> tuple[Json, list[Command]]:
        """See `Root`. The result goes to the caller before the step ends."""
        kept, commands = super().advance(context, state, event)
        done = next((each for each in commands if isinstance(each, Done)), None)
        if done is not None:
            items = [item for output in done.outputs or [] for item in output or []]
            commands.insert(0, Respond({"statusCode": 200, "body": items[0]["json"] if items else {}}))
        return kept, commands

    def begin(self, context: DurableContext, item_state: ItemState) -> Continue | Finish:
        """List the tools, or look for the one that is called."""
        request, i = context.items[item_state["i"]]["json"], item_state["i"]
        specs = toolbox.specs(context, i)
        if request.get("method") != "tools/call":
            return Finish([(0, {"json": {"tools": [_described(each) for each in specs]}})])
        params = request.get("params")
        params = params if isinstance(params, dict) else {}
        arguments = params.get("arguments")
        call: ToolCall = {
            "id": "call", "name": str(params.get("name", "")), "arguments": arguments if isinstance(arguments, dict) else {},
        }  # fmt: skip
        spec = next((each for each in specs if each["name"] == call["name"]), None)
        if spec is None:
            return _answer(f"There is no tool {call['name']}", failed=True)
        item_state["call"] = call
        payload = cast(Json, {"arguments": call["arguments"], "schema": spec["schema"]})
        return self.order(item_state, "checked", Call("check_arguments", payload, item=i))

    async def check_arguments(self, context: ActivityContext, payload: Json) -> Json:
        """Return what is wrong with the arguments of a call; empty: nothing."""
        del context
        from runtime.agents.tools.argument_check import problems  # noqa: PLC0415 - JSON Schema is for activities

        data = cast(dict[str, Any], payload)
        return problems(data["arguments"], data["schema"])

    def after_checked(
        self, context: DurableContext, item_state: ItemState, replies: list[CommandResult]
    ) -> Continue | Finish:
        """Call the tool, when its arguments fit."""
        if problem := replies[0].get():
            return _answer(f"The arguments do not fit the tool's schema: {problem}", failed=True)
        i = item_state["i"]
        command = toolbox.run(context, toolbox.specs(context, i), item_state["call"], i, 0)
        return _answer(command, failed=True) if isinstance(command, str) else Continue("called", [command])

    def after_called(self, context: DurableContext, item_state: ItemState, replies: list[CommandResult]) -> Finish:
        """Answer with what the tool gave, or with its error."""
        reply, i = replies[0], item_state["i"]
        if reply.error is not None:
            return _answer(str(reply.error.get("message")), failed=True)
        specs = toolbox.specs(context, i)
        text = toolbox.answer_text(context, specs, item_state["call"], i, reply.value, wrapped=False)
        return _answer(toolbox.bounded(text))


def _described(spec: ToolSpec) -> Mapping[str, Any]:
    return {"name": spec["name"], "description": spec["description"], "inputSchema": spec["schema"]}


def _answer(text: str, *, failed: bool = False) -> Finish:
    content = {"content": [{"type": "text", "text": text}]}
    item: Item = {"json": content | ({"isError": True} if failed else {})}
    return Finish([(0, item)])
