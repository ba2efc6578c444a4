"""Code Tool: an author's own JavaScript or Python, called by a model."""

import json
import textwrap
from collections.abc import Mapping
from typing import Any

from runtime.agents.messages import ToolSpec
from runtime.agents.tools.tool_workflow import input_schema
from runtime.agents.tools.toolbox import Tool, function_name, one_text
from runtime.contract import ActivityContext, Dynamic, NodeError, Outputs, param
from runtime.sandbox.failures import code_error

EXAMPLE = '{\n\t"some_input": "some_value"\n}'
SPECIFIED = {"specifyInputSchema": [True]}


class ToolCode(Tool):
    """`query` is the text, or the arguments of the schema; the code returns text or a number."""

    type = "@n8n/n8n-nodes-langchain.toolCode"
    versions = (1, 1.1, 1.2, 1.3)

    name: Dynamic[str] = param("", show={"@version": [{"_cnd": {"lte": 1.1}}]})
    description: Dynamic[str] = param("")
    language: str = param("javaScript")
    js_code: str = param("return query.toUpperCase()", code="javascript", show={"language": ["javaScript"]})
    python_code: str = param("return _query.upper()", code="python", show={"language": ["python"]})
    specify_input_schema: bool = param(False)
    schema_type: str = param("fromJson", show=SPECIFIED)
    json_schema_example: Dynamic[Any] = param(EXAMPLE, show=SPECIFIED | {"schemaType": ["fromJson"]})
    input_schema: Dynamic[Any] = param("{}", show=SPECIFIED | {"schemaType": ["manual"]})

    def spec(self, name: str, version: float, raw: Mapping[str, Any]) -> ToolSpec:
        """Return the tool; from 1.2 on the node's name is the tool's."""
        del raw
        schema = input_schema(self, name, required=version >= 1.3) if self.specify_input_schema else one_text()
        tool_name = self.name if version <= 1.1 and self.name else function_name(name)
        return {"name": tool_name, "description": self.description, "schema": schema}

    async def run_tool(self, context: ActivityContext, arguments: Mapping[str, Any]) -> Outputs:
        """Return the result as text, or `error`: one of the code is told to the model and is no error of the run (n8n)."""
        query = dict(arguments) if self.specify_input_schema else str(arguments.get("input", ""))
        try:
            text = _text(await self._value(context, query))
        except NodeError as error:
            return [[{"json": {"error": error.message}}]]
        return [[{"json": {"response": text}}]]

    def said(self, value: Any, version: float, *, wrapped: bool) -> str:
        """Return the result; an error has a sentence around it before version 3 of the agent."""
        item = value[0][0]["json"]
        if "error" in item and not wrapped:
            return f'There was an error: "{item["error"]}"'
        return super().said(value, version, wrapped=wrapped)

    async def _value(self, context: ActivityContext, query: Any) -> Any:
        if self.language == "python":
            body = textwrap.indent(self.python_code, "    ")
            code = f"def tool(_query):\n{body}\nreturn [{{'json': {{'value': tool({json.dumps(query)})}}}}]"
            result = await context.run_python(code, mode="all", items=[])
        else:
            # the name is that of the function whose lines errors tell
            opening = (
                f"const query = {json.dumps(query)}; return [{{json: {{value: await (async function VmCodeWrapper() {{"
            )
            result = await context.run_javascript(f"{opening}{self.js_code}\n}})()}}}}];", mode="all")
        outcome = result["outcomes"][0]
        if "error" in outcome:
            raise code_error(outcome["error"])
        return outcome["data"][0]["json"].get("value")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(int(value)) if value == int(value) else repr(value)
    raise NodeError("Wrong output type returned")
