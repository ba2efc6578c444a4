"""Think Tool: lets a model write down a thought, which it gets back."""

from collections.abc import Mapping
from typing import Any

from runtime.agents.messages import ToolSpec
from runtime.agents.tools.toolbox import Tool, function_name, one_text
from runtime.contract import ActivityContext, Dynamic, Outputs, param

PURPOSE = (
    "Use the tool to think about something. It will not obtain new information or change the database, but just append "
    "the thought to the log. Use it when complex reasoning or some cache memory is needed."
)


class ToolThink(Tool):
    """Echoes its input. From 1.1 on the node's name is the tool's name."""

    type = "@n8n/n8n-nodes-langchain.toolThink"
    versions = (1, 1.1)
    local = True

    description: Dynamic[str] = param(PURPOSE)

    def spec(self, name: str, version: float, raw: Mapping[str, Any]) -> ToolSpec:
        """Return a tool whose one argument is the thought."""
        del raw
        return {
            "name": "thinking_tool" if version < 1.1 else function_name(name),
            "description": self.description,
            "schema": one_text(),
        }

    async def run_tool(self, context: ActivityContext, arguments: Mapping[str, Any]) -> Outputs:
        """Return the thought."""
        del context
        return [[{"json": {"response": str(arguments.get("input", ""))}}]]
