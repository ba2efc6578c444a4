"""Information Extractor: extracts fields from a text."""

import json
from collections.abc import Mapping
from typing import Any

from runtime.agents.parsers.output_parser_structured import EXAMPLE, SCHEMA
from runtime.agents.parsers.output_schema import OutputSchema, close_objects, from_example, parse_schema
from runtime.agents.roots.json_root import JsonRoot
from runtime.agents.roots.root import Finish, ItemState
from runtime.contract import DurableContext, Dynamic, NodeError, param

INSTRUCTIONS = (
    "Extract information from the text that the user gives. Leave out what the text does not say; never guess."
)
TYPES: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
}


class InformationExtractor(JsonRoot):
    """Extracts fields from a text; the model may always repair an answer that does not fit (n8n)."""

    type = "@n8n/n8n-nodes-langchain.informationExtractor"
    versions = (1, 1.1, 1.2)

    text: Dynamic[Any] = param("")
    schema_type: str = param("fromAttributes")
    json_schema_example: str = param(EXAMPLE, show={"schemaType": ["fromJson"]})
    input_schema: Dynamic[Any] = param(SCHEMA, show={"schemaType": ["manual"]})
    attributes: Dynamic[dict[str, Any]] = param({}, show={"schemaType": ["fromAttributes"]})

    def question(self, context: DurableContext, item_state: ItemState) -> tuple[str, str, OutputSchema]:
        """Return system prompt, text, and the schema of the fields."""
        here = self._at(context, item_state)
        if here.text is None or (isinstance(here.text, str) and not here.text.strip()):
            raise NodeError(f"Text for item {item_state['i']} is not defined", item=item_state["i"])
        try:
            output = OutputSchema(here.fields_schema(context.version))
        except ValueError as error:
            raise NodeError(f"The JSON schema is not valid: {error}", item=item_state["i"]) from None
        return self.template(self.item_options(context, item_state), INSTRUCTIONS), here.text, output

    def fields_schema(self, version: float) -> dict[str, Any]:
        """Return the schema from attributes, from an example (all required from 1.2 on), or as the author wrote it."""
        if self.schema_type == "manual":
            schema: dict[str, Any] = close_objects(parse_schema(self.input_schema))
            return schema
        if self.schema_type == "fromJson":
            return from_example(json.loads(self.json_schema_example), required=version >= 1.2)
        rows = (self.attributes or {}).get("attributes") or []
        if not rows:
            raise NodeError("At least one attribute must be specified")
        return _schema(rows)

    def repairs(self, context: DurableContext, item_state: ItemState) -> bool:
        """Return True."""
        del context, item_state
        return True

    def answer(self, context: DurableContext, item_state: ItemState, value: Any) -> Finish:
        """Return the item `{output: fields}`."""
        del context, item_state
        return Finish([(0, {"json": {"output": value}})])


def _schema(rows: list[Mapping[str, Any]]) -> dict[str, Any]:
    properties = {
        row["name"]: TYPES[row.get("type", "string")] | {"description": row.get("description", "")} for row in rows
    }
    required = [row["name"] for row in rows if row.get("required")]
    schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema | ({"required": required} if required else {})
