"""How the messages of a vendor's model tell of tools, call them, and get their answers."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

from runtime.agents.messages import ToolSpec
from runtime.contract import Item
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.values.json_text import NotJsonError, parse_json
from schemas.item import Json

__all__ = ["CalledTool", "ToolTalk", "arguments_of", "called"]

CalledTool = dict[str, Any]
"""A call as `messages.ToolCall`, with `problem` where its arguments are no JSON object."""


class ToolTalk(Protocol):
    """The conversation of one operation. A body is what is sent, and is kept from one turn to the next."""

    counts_requests: ClassVar[bool]
    """Whether the option that limits the turns counts requests, as n8n does for some; else it counts turns with calls of tools."""

    async def begin(self, run: Run, scope: Scope) -> dict[str, Any]:
        """Return the body of the first request. Raise NodeError."""

    def declare(self, body: Mapping[str, Any], tools: Sequence[ToolSpec]) -> dict[str, Any]:
        """Return the body with the tools in it."""

    async def send(self, run: Run, scope: Scope, body: Mapping[str, Any]) -> Any:
        """Send a body and return the response. Raise NodeError."""

    def calls(self, response: Any) -> list[CalledTool] | None:
        """Return the calls of tools; an empty list: the vendor wants to be asked again; None: it has answered. Raise NodeError."""

    def add_answer(self, body: dict[str, Any], response: Any) -> None:
        """Put what the model said into the body."""

    def add_results(self, body: dict[str, Any], calls: Sequence[CalledTool], texts: Sequence[str]) -> None:
        """Put what its tools said into the body."""

    def items(self, scope: Scope, response: Any) -> list[Item]:
        """Return the items that the last response gives. Raise NodeError."""


def called(id_: Any, name: Any, arguments: Json) -> CalledTool:
    """Return a call whose arguments are an object already, whatever the vendor sent."""
    known = {"id": str(id_), "name": str(name)}
    if isinstance(arguments, dict):
        return {**known, "arguments": arguments}
    return {**known, "arguments": {}, "problem": "The arguments are no JSON object."}


def arguments_of(text: Any) -> Json:
    """Return the arguments that a model wrote as text; None: they are no JSON."""
    try:
        return parse_json(text) if isinstance(text, str) else None
    except NotJsonError:
        return None
