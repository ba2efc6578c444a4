"""Call n8n Workflow Tool: another workflow as a tool, run as a child of this run."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from runtime.agents import from_ai
from runtime.agents.messages import ToolCall, ToolSpec, dumps
from runtime.agents.toolbox import Tool, function_name, one_text, result_text
from runtime.agents.wanted import closed, from_example, parsed_schema
from runtime.contract import Command, DurableContext, Dynamic, NodeError, StartChild, param
from schemas.facts import workflow_reference
from schemas.item import Item

ONE_TEXT = one_text()
SILENT = 'There was an error: "The workflow did not return a response"'  # n8n wraps it twice


class WorkflowTool(Tool):
    """What both shapes share: which workflow, and what the model reads of its end."""

    name: Dynamic[str] = param("")
    description: Dynamic[str] = param("")
    source: str = param("database")
    workflow_id: Dynamic[Any] = param("", show={"source": ["database"]})
    workflow_json: Dynamic[Any] = param("", show={"source": ["parameter"]})

    def starts_workflow(self) -> bool:
        """Always."""
        return True

    def started_workflow(self) -> str | None:
        """Return the id that is written down."""
        return workflow_reference(self.workflow_id) if self.source == "database" else None

    def workflow(self) -> dict[str, Any]:
        """For `StartChild`. Raises NodeError for an export that is none."""
        if self.source != "parameter":
            chosen = self.workflow_id
            return {"id": str(chosen.get("value") if isinstance(chosen, Mapping) else chosen)}
        try:
            return {
                "export": json.loads(self.workflow_json) if isinstance(self.workflow_json, str) else self.workflow_json
            }
        except ValueError as error:
            raise NodeError("The provided workflow is not valid JSON", description=str(error)) from None

    def said(self, value: Any, version: float, *, wrapped: bool) -> str:
        """The items of the child's end; an error is text for the model and none of the run (n8n)."""
        problem = _problem(value)
        if problem is not None:
            return dumps([{"error": problem}]) if wrapped else f'There was an error: "{problem}"'
        if wrapped:
            return result_text(value["outputs"], wrapped=True)
        items = [item["json"] for output in value["outputs"] or [] for item in output or []]
        return json.dumps(items if version >= 2.1 else items[0], indent=2, ensure_ascii=False)


def _problem(value: Mapping[str, Any]) -> str | None:
    if value.get("status") != "success":
        return str((value.get("error") or {}).get("message") or value.get("status"))
    return None if any(output for output in value.get("outputs") or []) else SILENT


class ToolWorkflowV1(WorkflowTool):
    """Versions 1 to 1.3: one text, or the arguments of a schema, as `query`; and fields that are set here."""

    type = "@n8n/n8n-nodes-langchain.toolWorkflow"
    versions: ClassVar[tuple[float, ...]] = (1, 1.1, 1.2, 1.3)

    response_property_name: Dynamic[str] = param("response", show={"@version": [{"_cnd": {"lt": 1.3}}]})
    fields_set: Dynamic[dict[str, Any]] = param({}, alias="fields")
    specify_input_schema: bool = param(False)
    schema_type: str = param("fromJson", show={"specifyInputSchema": [True]})
    json_schema_example: Dynamic[Any] = param('{\n\t"some_input": "some_value"\n}', show={"schemaType": ["fromJson"]})
    input_schema: Dynamic[Any] = param("{}", show={"schemaType": ["manual"]})

    def spec(self, name: str, version: float, raw: Mapping[str, Any]) -> ToolSpec:
        """The author's own name for it."""
        del version, raw
        return {"name": self.name or function_name(name), "description": self.description, "schema": self.arguments()}

    def arguments(self) -> dict[str, Any]:
        """One text unless a schema is given."""
        return input_schema(self) if self.specify_input_schema else ONE_TEXT

    def start(self, context: DurableContext, name: str, version: float, call: ToolCall, i: int, id_: str) -> Command:
        """A child that is waited for; its item has `query` and the fields."""
        del context, name, version, i, id_
        query = call["arguments"] if self.specify_input_schema else call["arguments"].get("input")
        given = {} if query is None else {"query": query}
        rows = (self.fields_set or {}).get("values") or []
        item: Item = {"json": given | {row["name"]: _typed(row) for row in rows}}
        return StartChild(self.workflow(), [item])


class ToolWorkflowV2(WorkflowTool):
    """Versions 2 to 2.2: inputs of the workflow, which the model fills in through `$fromAI`."""

    type = "@n8n/n8n-nodes-langchain.toolWorkflow"
    versions: ClassVar[tuple[float, ...]] = (2, 2.1, 2.2)

    workflow_inputs: Dynamic[dict[str, Any]] = param(
        {"mappingMode": "defineBelow", "value": None}, show={"source": ["database"]}, hide={"workflowId": [""]}
    )

    def spec(self, name: str, version: float, raw: Mapping[str, Any]) -> ToolSpec:
        """From 2.2 on the node's name is the tool's. The inputs' `$fromAI` calls are its arguments, else one text."""
        named = function_name(name) if version >= 2.2 else self.name or function_name(name)
        return {"name": named, "description": self.description, "schema": _asked(raw)}

    def start(self, context: DurableContext, name: str, version: float, call: ToolCall, i: int, id_: str) -> Command:
        """The inputs with what the model gave, beside the arguments as `query`; for agent 3 beside the agent's item."""
        del version, id_
        one = _asked(context.raw(name)) == ONE_TEXT
        query = call["arguments"].get("input") if one else call["arguments"]
        given: dict[str, Any] = {} if query is None else {"query": query}
        if context.version >= 3:
            given = context.items[i]["json"] | call["arguments"] | {"toolCallId": call["id"]}
        item: Item = {"json": given | dict((self.workflow_inputs or {}).get("value") or {})}
        return StartChild(self.workflow(), [item])


def _asked(raw: Mapping[str, Any]) -> dict[str, Any]:
    made = from_ai.schema(raw.get("workflowInputs"))
    return made if made["properties"] else ONE_TEXT


def input_schema(node: Any) -> dict[str, Any]:
    """The arguments that an author describes by an example (nothing is required) or by a schema."""
    try:
        if node.schema_type == "manual":
            made: dict[str, Any] = closed(parsed_schema(node.input_schema))
            return made
        example = node.json_schema_example
        return from_example(json.loads(example) if isinstance(example, str) else example, required=False)
    except ValueError as error:
        raise NodeError("The input schema of a tool is not valid JSON", description=str(error)) from None


def _typed(row: Mapping[str, Any]) -> Any:
    kind = row.get("type", "stringValue")
    value = row.get(kind)
    try:
        match kind:
            case "numberValue":
                return float(value or 0) if "." in str(value) else int(value or 0)
            case "booleanValue":
                return value in (True, "true")
            case "arrayValue" | "objectValue":
                return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        raise NodeError(f"The field '{row['name']}' of a tool is not {kind.removesuffix('Value')}") from None
    return value
