"""Structured Output Parser: JSON of a schema, from an example or written by hand."""

import json
from typing import Any

from runtime.agents.parsers.output_parser import OutputParser
from runtime.agents.parsers.output_schema import OutputSchema, close_objects, from_example, parse_schema, wrap_schema
from runtime.contract import Dynamic, param

EXAMPLE = '{\n\t"state": "California",\n\t"cities": ["Los Angeles", "San Francisco", "San Diego"]\n}'
SCHEMA = """{
\t"type": "object",
\t"properties": {
\t\t"state": {
\t\t\t"type": "string"
\t\t},
\t\t"cities": {
\t\t\t"type": "array",
\t\t\t"items": {
\t\t\t\t"type": "string"
\t\t\t}
\t\t}
\t}
}"""
OLD_SCHEMA = SCHEMA.replace("\t", "  ")


class OutputParserStructured(OutputParser):
    """n8n asks for the JSON under the key `output`; the first version had a longer wrapper, and its results keep it."""

    type = "@n8n/n8n-nodes-langchain.outputParserStructured"
    versions = (1, 1.1, 1.2, 1.3)

    schema_type: str = param("fromJson", show={"@version": [{"_cnd": {"gte": 1.2}}]})
    json_schema_example: str = param(EXAMPLE, show={"schemaType": ["fromJson"]})
    input_schema: Dynamic[Any] = param(SCHEMA, show={"schemaType": ["manual"]})
    json_schema: Dynamic[Any] = param(
        OLD_SCHEMA, show={"@version": [{"_cnd": {"lte": 1.1}}]}, required=True, label="JSON Schema"
    )
    auto_fix: Dynamic[bool] = param(False)
    customize_retry_prompt: Dynamic[bool] = param(False, show={"autoFix": [True]})
    prompt: Dynamic[str] = param("", show={"autoFix": [True], "customizeRetryPrompt": [True]})

    def output_schema(self, version: float) -> OutputSchema:
        """Return the schema under `output`; from 1.3 on every field of an example is required, and so is the wrapper."""
        if version < 1.2:
            schema = close_objects(parse_schema(self.json_schema))
        elif self.schema_type == "manual":
            schema = close_objects(parse_schema(self.input_schema))
        else:
            schema = from_example(json.loads(self.json_schema_example), required=version >= 1.3)
        return wrap_schema(schema, "output", required=version >= 1.3)
