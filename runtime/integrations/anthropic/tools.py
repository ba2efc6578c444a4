"""Anthropic: tools in messages, of the workflow and of Anthropic's own."""

from collections.abc import Mapping, Sequence
from typing import Any

from runtime.agents.messages import ToolSpec
from runtime.contract import Item
from runtime.integrations.anthropic.messages import ask, beta_of, message_body, message_item, options_of
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.integrations.tool_talk import CalledTool, called

__all__ = ["MessageTools"]


class MessageTools:
    """Implements `ToolTalk`."""

    counts_requests = False

    async def begin(self, run: Run, scope: Scope) -> dict[str, Any]:
        """See `ToolTalk`."""
        return await message_body(run, scope)

    def declare(self, body: Mapping[str, Any], tools: Sequence[ToolSpec]) -> dict[str, Any]:
        """See `ToolTalk`."""
        return {**body, "tools": [*map(_custom, tools), *body["tools"]]}

    async def send(self, run: Run, scope: Scope, body: Mapping[str, Any]) -> Any:
        """See `ToolTalk`."""
        return await ask(run, scope, body, beta_of(options_of(scope)))

    def calls(self, response: Any) -> list[CalledTool] | None:
        """See `ToolTalk`."""
        reason = response.get("stop_reason") if isinstance(response, Mapping) else None
        if reason == "pause_turn":
            return []
        if reason != "tool_use":
            return None
        used = [each for each in _content(response) if each.get("type") == "tool_use"]
        return [called(each.get("id"), each.get("name"), each.get("input")) for each in used] or None

    def add_answer(self, body: dict[str, Any], response: Any) -> None:
        """See `ToolTalk`."""
        body["messages"].append({"role": "assistant", "content": response.get("content")})

    def add_results(self, body: dict[str, Any], calls: Sequence[CalledTool], texts: Sequence[str]) -> None:
        """See `ToolTalk`."""
        told = zip(calls, texts, strict=True)
        results = [{"type": "tool_result", "tool_use_id": call["id"], "content": text} for call, text in told]
        if results:
            body["messages"].append({"role": "user", "content": results})

    def items(self, scope: Scope, response: Any) -> list[Item]:
        """See `ToolTalk`."""
        return [message_item(scope, response)]


def _custom(tool: ToolSpec) -> dict[str, Any]:
    return {"type": "custom", "name": tool["name"], "input_schema": tool["schema"], "description": tool["description"]}


def _content(response: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [each for each in response.get("content") or () if isinstance(each, Mapping)]
