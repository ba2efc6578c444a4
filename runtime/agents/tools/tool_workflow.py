"""Call n8n Workflow Tool: another workflow as a tool, run as a child of this run."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from runtime.agents.messages import ToolCall, ToolSpec, dumps
from runtime.agents.parsers.output_schema import close_objects, from_example, parse_schema
from runtime.agents.tools import from_ai
from runtime.agents.tools.toolbox import MERGED, Tool, function_name, one_text, result_text
from runtime.contract import Command, DurableContext, Dynamic, NodeError, StartChild, param
from runtime.values.javascript import js_string
from runtime.values.problem import ProblemError
from runtime.values.workflow_inputs import mapped_inputs
from schemas.facts import workflow_reference
from schemas.item import UNDEFINED, Item

ONE_TEXT = one_text()
SILENT = 'There was an error: "The workflow did not return a response"'  # n8n wraps it twice


class WorkflowTool(Tool):
    """Base of both shapes: the choice of the workflow, and the text that the model gets of its result."""

    name: Dynamic[str] = param("")
    description: Dynamic[str] = param("")
    source: str = param("database")
    workflow_id: Dynamic[Any] = param("", show={"source": ["database"]})
    workflow_json: Dynamic[Any] = param("", show={"source": ["parameter"]})

    def starts_workflow(self) -> bool:
        """Return True."""
        return True

    def started_workflow(self) -> str | None:
        """Return the workflow's id when it is a constant."""
        return workflow_reference(self.workflow_id) if self.source == "database" else None

    def workflow(self) -> dict[str, Any]:
        """Return the workflow for `StartChild`. Raise NodeError for an export that is not JSON."""
        if self.source != "parameter":
            reference = self.workflow_id
            return {"id": str(reference.get("value") if isinstance(reference, Mapping) else reference)}
        try:
            return {
                "export": json.loads(self.workflow_json) if isinstance(self.workflow_json, str) else self.workflow_json
            }
        except ValueError as error:
            raise NodeError("The provided workflow is not valid JSON", description=str(error)) from None

    def tells_one_item(self, version: float) -> bool:
        """Return whether the first item of the workflow is told alone: of several from version 2.1 on all are (n8n)."""
        return version < 2.1

    def first_item(self, value: Any) -> Any:
        """Return the child's outcome with its first item alone."""
        items = [item for output in value.get("outputs") or [] for item in output or []]
        return {**value, "outputs": [items[:1]]}

    def said(self, value: Any, version: float, *, wrapped: bool) -> str:
        """Return the child's items as text; an error is text for the model and no error of the run (n8n)."""
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
        """Return the tool under the author's own name for it."""
        del version, raw
        return {
            "name": self.name or function_name(name),
            "description": self.description,
            "schema": self.arguments(name),
        }

    def arguments(self, name: str) -> dict[str, Any]:
        """Return the schema of the arguments: one text unless the author defines a schema. `name`: the node's."""
        return input_schema(self, name) if self.specify_input_schema else ONE_TEXT

    def start(self, context: DurableContext, name: str, version: float, call: ToolCall, i: int, id_: str) -> Command:
        """Start a child and wait for it; its item has `query` and the fields."""
        del context, name, version, i, id_
        query = call["arguments"] if self.specify_input_schema else call["arguments"].get("input")
        fields = {} if query is None else {"query": query}
        rows = (self.fields_set or {}).get("values") or []
        item: Item = {"json": fields | {row["name"]: _typed_value(row) for row in rows}}
        return StartChild(self.workflow(), [item])


class ToolWorkflowV2(WorkflowTool):
    """Versions 2 to 2.2: inputs of the workflow, which the model fills in through `$fromAI`."""

    type = "@n8n/n8n-nodes-langchain.toolWorkflow"
    versions: ClassVar[tuple[float, ...]] = (2, 2.1, 2.2)

    workflow_inputs: Dynamic[dict[str, Any]] = param(
        {"mappingMode": "defineBelow", "value": None}, show={"source": ["database"]}, hide={"workflowId": [""]}
    )

    def spec(self, name: str, version: float, raw: Mapping[str, Any]) -> ToolSpec:
        """Return the tool; from 2.2 on the node's name is its name. The inputs' `$fromAI` calls are its arguments, else one
        text.
        """
        tool_name = function_name(name) if version >= 2.2 else self.name or function_name(name)
        return {"name": tool_name, "description": self.description, "schema": _arguments_schema(raw)}

    def start(self, context: DurableContext, name: str, version: float, call: ToolCall, i: int, id_: str) -> Command:
        """Start a child with the inputs that the model filled in and the arguments as `query`; for version 3 of the agent, where the
        workflow has inputs, with the agent's item and the arguments as fields.
        """
        del version, id_
        one_argument = _arguments_schema(context.raw(name)) == ONE_TEXT
        query = call["arguments"].get("input") if one_argument else call["arguments"]
        fields: dict[str, Any] = {} if query is None else {"query": query}
        if (self.workflow_inputs or {}).get("schema"):
            if context.version >= MERGED:
                fields = context.items[i]["json"] | call["arguments"] | {"toolCallId": call["id"]}
            fields |= _converted(self.workflow_inputs)
        return StartChild(self.workflow(), [{"json": fields}])


def _converted(mapper: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs of the workflow in the types that it declares. Raise NodeError for a value that does not fit."""
    try:
        pairs = list(mapped_inputs(mapper, mapper.get("value") or {}))
    except ProblemError as problem:
        raise NodeError(problem.message, description=problem.description) from None
    return {name: value for name, value in pairs if value is not UNDEFINED}


def _arguments_schema(raw: Mapping[str, Any]) -> dict[str, Any]:
    schema = from_ai.schema(raw.get("workflowInputs"))
    return schema if schema["properties"] else ONE_TEXT


def input_schema(node: Any, name: str, *, required: bool = False) -> dict[str, Any]:
    """Return the schema of arguments that an author describes by a schema or by an example (`required`: of which all is).

    Raise NodeError when it is not valid JSON.
    """
    try:
        if node.schema_type == "manual":
            schema: dict[str, Any] = close_objects(parse_schema(node.input_schema))
            return schema
        example = node.json_schema_example
        return from_example(json.loads(example) if isinstance(example, str) else example, required=required)
    except ValueError as error:
        raise NodeError(
            f"Error in sub-node {name}", description=f"The input schema is not valid JSON: {error}"
        ) from None


def _typed_value(row: Mapping[str, Any]) -> Any:
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
            case "stringValue":
                return None if value is None else js_string(value)
    except ValueError:
        raise NodeError(f"The field '{row['name']}' of a tool is not {kind.removesuffix('Value')}") from None
    return value
