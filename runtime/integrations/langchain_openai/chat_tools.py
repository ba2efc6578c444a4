"""OpenAI (AI package), version 1: tools in chat completions."""

from collections.abc import Mapping, Sequence
from typing import Any

from runtime.agents.messages import ToolSpec
from runtime.contract import Item
from runtime.integrations.langchain_openai.chat import chat, choices, first_message
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.integrations.tool_talk import CalledTool, arguments_of, called

__all__ = ["ChatTools"]


class ChatTools:
    """Implements `ToolTalk`."""

    counts_requests = True

    async def begin(self, run: Run, scope: Scope) -> dict[str, Any]:
        """See `ToolTalk`."""
        del run
        return chat(scope)

    def declare(self, body: Mapping[str, Any], tools: Sequence[ToolSpec]) -> dict[str, Any]:
        """See `ToolTalk`."""
        return {**body, "tools": [{"type": "function", "function": _function(each)} for each in tools]}

    async def send(self, run: Run, scope: Scope, body: Mapping[str, Any]) -> Any:
        """See `ToolTalk`."""
        return await run.request(scope, method="POST", path="/chat/completions", json=body)

    def calls(self, response: Any) -> list[CalledTool] | None:
        """See `ToolTalk`."""
        made = [each for each in first_message(response).get("tool_calls") or () if isinstance(each, Mapping)]
        functions = [(each.get("id"), each.get("function") or {}) for each in made]
        return [called(id_, each.get("name"), arguments_of(each.get("arguments"))) for id_, each in functions] or None

    def add_answer(self, body: dict[str, Any], response: Any) -> None:
        """See `ToolTalk`."""
        body["messages"].append(first_message(response))

    def add_results(self, body: dict[str, Any], calls: Sequence[CalledTool], texts: Sequence[str]) -> None:
        """See `ToolTalk`."""
        told = zip(calls, texts, strict=True)
        body["messages"] += [{"tool_call_id": call["id"], "role": "tool", "content": text} for call, text in told]

    def items(self, scope: Scope, response: Any) -> list[Item]:
        """See `ToolTalk`."""
        made = choices(scope.having(response=response))
        return [{"json": each} for each in (made if isinstance(made, list) else [made])]


def _function(tool: ToolSpec) -> dict[str, Any]:
    return {"name": tool["name"], "description": tool["description"], "parameters": tool["schema"]}
