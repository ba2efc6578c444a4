"""Information Extractor: fields out of a text."""

import json
from collections.abc import Mapping
from typing import Any

from runtime.agents.json_root import JsonRoot
from runtime.agents.output_parser_structured import EXAMPLE, SCHEMA
from runtime.agents.root import Answer, Talk
from runtime.agents.wanted import Wanted, closed, from_example, parsed_schema
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
    """Always lets the model repair an answer that does not fit (n8n)."""

    type = "@n8n/n8n-nodes-langchain.informationExtractor"
    versions = (1, 1.1, 1.2)

    text: Dynamic[Any] = param("")
    schema_type: str = param("fromAttributes")
    json_schema_example: str = param(EXAMPLE, show={"schemaType": ["fromJson"]})
    input_schema: Dynamic[Any] = param(SCHEMA, show={"schemaType": ["manual"]})
    attributes: Dynamic[dict[str, Any]] = param({}, show={"schemaType": ["fromAttributes"]})

    def question(self, context: DurableContext, talk: Talk) -> tuple[str, str, Wanted]:
        """The text, and the schema of the fields."""
        here = self._at(context, talk)
        try:
            wanted = Wanted(here.schema_wanted(context.version))
        except ValueError as error:
            raise NodeError(f"The JSON schema is not valid: {error}", item=talk["i"]) from None
        return self.chosen(context, talk).get("systemPromptTemplate") or INSTRUCTIONS, here.text, wanted

    def schema_wanted(self, version: float) -> dict[str, Any]:
        """From attributes, from an example (all required from 1.2 on), or written by hand."""
        if self.schema_type == "manual":
            made: dict[str, Any] = closed(parsed_schema(self.input_schema))
            return made
        if self.schema_type == "fromJson":
            return from_example(json.loads(self.json_schema_example), required=version >= 1.2)
        rows = (self.attributes or {}).get("attributes") or []
        if not rows:
            raise NodeError("At least one attribute must be specified")
        return _schema(rows)

    def repairs(self, context: DurableContext, talk: Talk) -> bool:
        """Always."""
        del context, talk
        return True

    def answer(self, context: DurableContext, talk: Talk, value: Any) -> Answer:
        """`{output: fields}`."""
        del context, talk
        return Answer([(0, {"json": {"output": value}})])


def _schema(rows: list[Mapping[str, Any]]) -> dict[str, Any]:
    properties = {
        row["name"]: TYPES[row.get("type", "string")] | {"description": row.get("description", "")} for row in rows
    }
    required = [row["name"] for row in rows if row.get("required")]
    schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema | ({"required": required} if required else {})
