"""OpenAI (AI package), version 2: tools in responses."""

from collections.abc import Mapping, Sequence
from typing import Any

from runtime.agents.messages import ToolSpec
from runtime.contract import Item
from runtime.integrations.answers import elements_of
from runtime.integrations.langchain_openai.respond import finished, request_body, response_items
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.integrations.tool_talk import CalledTool, arguments_of, called

__all__ = ["ResponseTools"]


_KEPT = ("function_call", "reasoning")
"""What n8n sends back of an answer."""


class ResponseTools:
    """Implements `ToolTalk`."""

    counts_requests = False

    async def begin(self, run: Run, scope: Scope) -> dict[str, Any]:
        """See `ToolTalk`."""
        return await request_body(run, scope)

    def declare(self, body: Mapping[str, Any], tools: Sequence[ToolSpec]) -> dict[str, Any]:
        """See `ToolTalk`."""
        return {**body, "tools": [*map(_function, tools), *body.get("tools", ())]}

    async def send(self, run: Run, scope: Scope, body: Mapping[str, Any]) -> Any:
        """See `ToolTalk`."""
        response = await run.request(scope, method="POST", path="/responses", json=body)
        return await finished(run, scope, response) if body["background"] else response

    def calls(self, response: Any) -> list[CalledTool] | None:
        """See `ToolTalk`."""
        made = [each for each in _output(response) if each.get("type") == "function_call"]
        return [
            called(each.get("call_id"), each.get("name"), arguments_of(each.get("arguments"))) for each in made
        ] or None

    def add_answer(self, body: dict[str, Any], response: Any) -> None:
        """See `ToolTalk`."""
        body["input"] += [each for each in _output(response) if each.get("type") in _KEPT]

    def add_results(self, body: dict[str, Any], calls: Sequence[CalledTool], texts: Sequence[str]) -> None:
        """See `ToolTalk`."""
        told = zip(calls, texts, strict=True)
        body["input"] += [
            {"type": "function_call_output", "call_id": call["id"], "output": text} for call, text in told
        ]

    def items(self, scope: Scope, response: Any) -> list[Item]:
        """See `ToolTalk`."""
        return response_items(scope, response)


def _function(tool: ToolSpec) -> dict[str, Any]:
    schema = tool["schema"]
    names = set(schema.get("properties") or ())
    strict = bool(names) and names == set(schema.get("required") or ())  # OpenAI's condition for it
    return {
        "type": "function", "name": tool["name"], "parameters": schema, "strict": strict, "description": tool["description"],
    }  # fmt: skip


def _output(response: Any) -> list[Any]:
    return [each for each in elements_of(response, "output", "filter") if isinstance(each, Mapping)]
