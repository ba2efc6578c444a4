"""Google Gemini: tools in messages."""

from collections.abc import Mapping, Sequence
from typing import Any

from runtime.agents.messages import ToolSpec
from runtime.contract import Item
from runtime.integrations.answers import elements_of
from runtime.integrations.google_gemini.messages import ask, body, message_items
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.integrations.tool_talk import CalledTool, called

__all__ = ["MessageTools"]

_SCHEMA = ("type", "properties", "required")


class MessageTools:
    """Implements `ToolTalk`. Calls have an id only where the model gives one."""

    counts_requests = True

    async def begin(self, run: Run, scope: Scope) -> dict[str, Any]:
        """See `ToolTalk`."""
        del run
        return {**body(scope)}

    def declare(self, body: Mapping[str, Any], tools: Sequence[ToolSpec]) -> dict[str, Any]:
        """See `ToolTalk`."""
        return {**body, "tools": [{"functionDeclarations": [_function(each) for each in tools]}, *body["tools"]]}

    async def send(self, run: Run, scope: Scope, body: Mapping[str, Any]) -> Any:
        """See `ToolTalk`."""
        return await ask(run, scope, body)

    def calls(self, response: Any) -> list[CalledTool] | None:
        """See `ToolTalk`."""
        made = [part["functionCall"] for part in _parts(response) if isinstance(part.get("functionCall"), Mapping)]
        return [
            {**called(each.get("id") or f"call_{n}", each.get("name"), each.get("args") or {}), "given": each.get("id")}
            for n, each in enumerate(made)
        ] or None

    def add_answer(self, body: dict[str, Any], response: Any) -> None:
        """See `ToolTalk`."""
        body["contents"] += [
            each["content"] for each in response["candidates"] if isinstance(each.get("content"), Mapping)
        ]

    def add_results(self, body: dict[str, Any], calls: Sequence[CalledTool], texts: Sequence[str]) -> None:
        """See `ToolTalk`."""
        for call, text in zip(calls, texts, strict=True):
            told = {"name": call["name"], "response": {"result": text}}
            id_ = {"id": call["given"]} if call.get("given") else {}
            body["contents"].append({"parts": [{"functionResponse": {**id_, **told}}], "role": "tool"})

    def items(self, scope: Scope, response: Any) -> list[Item]:
        """See `ToolTalk`."""
        return message_items(scope, response)


def _function(tool: ToolSpec) -> dict[str, Any]:
    schema = {name: tool["schema"][name] for name in _SCHEMA if name in tool["schema"]}
    return {"name": tool["name"], "description": tool["description"], "parameters": schema}


def _parts(response: Any) -> list[Mapping[str, Any]]:
    """Return the parts of all candidates. Raise NodeError for an answer without."""
    found = elements_of(response, "candidates", "flatMap")
    contents = [each.get("content") or {} for each in found if isinstance(each, Mapping)]
    return [part for each in contents for part in each.get("parts") or () if isinstance(part, Mapping)]
