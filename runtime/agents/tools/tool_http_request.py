"""HTTP Request Tool: a request whose `{placeholders}` a model fills in. A refusal is text for the model."""

from collections.abc import Iterator, Mapping
from typing import Any

from runtime.agents.messages import ToolSpec
from runtime.agents.tools import http_placeholders as holes
from runtime.agents.tools.http_placeholders import Argument
from runtime.agents.tools.toolbox import Tool, function_name
from runtime.contract import ActivityContext, Dynamic, Outputs, param
from schemas.facts import CredentialUse, is_literal

OPTIMISED: dict[str, list[Any]] = {"optimizeResponse": [True]}
OF_JSON = OPTIMISED | {"responseType": ["json"]}
OF_HTML = OPTIMISED | {"responseType": ["html"]}
CUT: dict[str, list[Any]] = {"optimizeResponse": [True], "responseType": ["text", "html"]}
BY_MODEL = {"values": [{"name": ""}]}
SAFE = ("GET", "HEAD", "OPTIONS")
TEXT = {"type": "object", "properties": {"input": {"type": "string"}}, "additionalProperties": False}


class ToolHttpRequest(Tool):
    """Version 1 takes all arguments as JSON in one text, later ones each by its name."""

    type = "@n8n/n8n-nodes-langchain.toolHttpRequest"
    versions = (1, 1.1)
    differs = "A request whose JSON body is not valid once it is filled in is not sent"

    tool_description: Dynamic[str] = param("")
    method: str = param("GET")
    url: Dynamic[str] = param("", required=True, label="URL")
    authentication: str = param("none")
    node_credential_type: str = param("", show={"authentication": ["predefinedCredentialType"]})
    generic_auth_type: str = param("", show={"authentication": ["genericCredentialType"]})
    send_query: bool = param(False)
    specify_query: str = param("keypair", show={"sendQuery": [True]})
    parameters_query: Dynamic[dict[str, Any]] = param(BY_MODEL, show={"sendQuery": [True], "specifyQuery": ["keypair"]})
    json_query: Dynamic[Any] = param("", show={"sendQuery": [True], "specifyQuery": ["json"]})
    send_headers: bool = param(False)
    specify_headers: str = param("keypair", show={"sendHeaders": [True]})
    parameters_headers: Dynamic[dict[str, Any]] = param(
        BY_MODEL, show={"sendHeaders": [True], "specifyHeaders": ["keypair"]}
    )
    json_headers: Dynamic[Any] = param("", show={"sendHeaders": [True], "specifyHeaders": ["json"]})
    send_body: bool = param(False)
    specify_body: str = param("keypair", show={"sendBody": [True]})
    parameters_body: Dynamic[dict[str, Any]] = param(BY_MODEL, show={"sendBody": [True], "specifyBody": ["keypair"]})
    json_body: Dynamic[Any] = param("", show={"sendBody": [True], "specifyBody": ["json"]})
    placeholder_definitions: Dynamic[Any] = param([])
    optimize_response: bool = param(False)
    response_type: Dynamic[str] = param("json", show=OPTIMISED)
    data_field: Dynamic[str] = param("", show=OF_JSON)
    fields_to_include: Dynamic[str] = param("all", show=OF_JSON)
    fields: Dynamic[str] = param("", show=OF_JSON, hide={"fieldsToInclude": ["all"]})
    css_selector: Dynamic[str] = param("body", show=OF_HTML)
    only_content: Dynamic[bool] = param(False, show=OF_HTML)
    elements_to_omit: Dynamic[str] = param("", show=OF_HTML | {"onlyContent": [True]})
    truncate_response: Dynamic[bool] = param(False, show=CUT)
    max_length: Dynamic[int] = param(1000, show=CUT | {"truncateResponse": [True]})

    def credential_needs(self, version: float) -> list[CredentialUse]:
        """Return the type that the parameters name."""
        del version
        type_ = self.credential_type()
        return (
            [CredentialUse(type_, generic=self.authentication == "genericCredentialType")]
            if type_ and is_literal(type_)
            else []
        )

    def mutation(self, version: float) -> str | None:
        """Return what a method other than GET, HEAD and OPTIONS changes."""
        del version
        return None if str(self.method).upper() in SAFE or not is_literal(self.method) else f"its {self.method} request"

    def spec(self, name: str, version: float, raw: Mapping[str, Any]) -> ToolSpec:
        """Return the tool with an argument for each placeholder."""
        del raw
        found = {each.name: each for each in self.arguments()}
        if version < 1.1:
            description = self.tool_description + (_in_one_text(found) if found else "")
            return {"name": function_name(name), "description": description, "schema": TEXT}
        schema: dict[str, Any] = {
            "type": "object",
            "properties": {key: dict(each.schema) for key, each in found.items()},
        }
        if required := [each.name for each in found.values() if each.required]:
            schema["required"] = required
        schema["additionalProperties"] = False
        return {"name": function_name(name), "description": self.tool_description, "schema": schema}

    def arguments(self) -> Iterator[Argument]:
        """Yield the arguments, in the order of the request's parts."""
        schemas = holes.defined(holes.rows(self.placeholder_definitions))
        yield from holes.named(self.url, schemas)
        for sends, how, part, pairs, text in (
            (self.send_query, self.specify_query, "query", self.parameters_query, self.json_query),
            (self.send_headers, self.specify_headers, "headers", self.parameters_headers, self.json_headers),
            (self.send_body, self.specify_body, "body", self.parameters_body, self.json_body),
        ):
            if sends and how == "model":
                yield holes.whole(part)
            elif sends and how == "json":
                yield from holes.named(text, schemas)
            elif sends:
                yield from holes.of_pairs(holes.rows(pairs), schemas)

    async def run_tool(self, context: ActivityContext, arguments: Mapping[str, Any]) -> Outputs:
        """Return what the model reads of the response, or why there is none. Raise NodeError for the tool's own faults."""
        from runtime.agents.tools.http_call import answer_of  # noqa: PLC0415 - requests are for activities

        return [[{"json": {"response": await answer_of(context, self, arguments)}}]]

    def credential_type(self) -> str | None:
        """Return the type of the credential that signs; None: there is none."""
        if self.authentication == "predefinedCredentialType":
            return self.node_credential_type
        return self.generic_auth_type if self.authentication == "genericCredentialType" else None


def _in_one_text(found: Mapping[str, Argument]) -> str:
    """Return how version 1 tells the model which members the JSON in its text has."""
    lines = ",\n ".join(
        f"{name}: (description: {each.schema.get('description', '')}, type: {each.schema.get('type', 'string')}, "
        f"required: {'true' if each.required else 'false'})"
        for name, each in found.items()
    )
    return (
        f"\n\tTool expects valid stringified JSON object with {len(found)} properties.\n\tProperty names with description, "
        f"type and required status:\n\t{lines}\n\tALL parameters marked as required must be provided"
    )
