"""AI Agent Tool: an agent that another agent calls. Its loop runs inside the caller's, with its own model, tools and memory."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from runtime.agents.messages import ToolSpec
from runtime.agents.roots.agent import refused_options
from runtime.agents.roots.agent_loop import Agent
from runtime.agents.tools import from_ai
from runtime.agents.tools.toolbox import function_name
from runtime.contract import DurableContext, Dynamic, param
from schemas.diagnostic import Diagnostic, Location
from schemas.item import Item
from schemas.plan import Kind

PURPOSE = "AI Agent that can call other tools"


class AgentToolV2(Agent):
    """Version 2.2. The prompt's `$fromAI` calls are the arguments; the caller reads the output item as JSON."""

    type = "@n8n/n8n-nodes-langchain.agentTool"
    versions: ClassVar[tuple[float, ...]] = (2.2,)
    kind: ClassVar[Kind] = Kind.SUBNODE
    connection: ClassVar[str] = "ai_tool"
    speaks = False
    reads_files = False

    tool_description: Dynamic[str] = param(PURPOSE)
    text: Dynamic[Any] = param("", required=True, label="Prompt (User Message)")
    has_output_parser: bool = param(False)
    needs_fallback: bool = param(False)
    options: Dynamic[dict[str, Any]] = param({})

    def check(self, at: Location, version: float) -> Iterator[Diagnostic]:
        """Report options that are not built, which would be ignored in silence."""
        del version
        yield from refused_options(self.options, self.type, at)

    def spec(self, name: str, version: float, raw: Mapping[str, Any]) -> ToolSpec:
        """Return the agent as the caller's model sees it."""
        del version
        return {"name": function_name(name), "description": self.tool_description, "schema": from_ai.schema(raw)}

    def prompt(self, context: DurableContext, item: Item) -> Any:
        """Return the prompt, with what the caller's model filled in."""
        del context, item
        return self.text


class AgentToolV3(AgentToolV2):
    """Version 3: running out of iterations is an error, which the caller's model reads."""

    versions = (3,)
    fails_when_stopped = True
