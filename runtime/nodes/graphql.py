"""GraphQL: a query over HTTP; errors in the answer are the node's."""

import re
from typing import Any, Final, Literal

from runtime.contract import (
    Activity,
    ActivityContext,
    Dynamic,
    Item,
    Items,
    NodeApiError,
    NodeError,
    Outputs,
    error_item,
    param,
)
from runtime.http import Request
from runtime.http.answer import axios_data, decode
from runtime.http.body import Bytes, Json
from runtime.http.credentials import Credential
from runtime.http.exchange import Redirects
from runtime.nodes.http_request.call import PreparedRequest, RequestFailed, credential_of
from runtime.nodes.http_request.facts import credential_uses
from runtime.nodes.http_request.fields import last_wins, pairs
from runtime.values.javascript import js_string, truthy
from runtime.values.json_text import NotJsonError, parse_json
from schemas.facts import CredentialUse
from schemas.item import UNDEFINED

_POST: Final = {"requestMethod": ["POST"]}
_AS_JSON: Final = _POST | {"requestFormat": ["json"]}
_CREDENTIALS: Final = {
    "basicAuth": "httpBasicAuth", "customAuth": "httpCustomAuth", "digestAuth": "httpDigestAuth",
    "headerAuth": "httpHeaderAuth", "queryAuth": "httpQueryAuth", "oAuth1": "oAuth1Api", "oAuth2": "oAuth2Api",
}  # fmt: skip
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_UNKNOWN: Final = "There was an unknown issue while executing the node"
_CHECK: Final = (
    "Double-check the node configuration and the service it connects to. Check the error details below and refer to the "
    '<a href="https://docs.n8n.io" target="_blank">n8n documentation</a> to troubleshoot the issue.'
)


class GraphQL(Activity):
    """One request per item. Only the content of the response decides about errors, not its status."""

    type = "n8n-nodes-base.graphql"
    versions = (1, 1.1)
    usable_as_tool = True

    authentication: Dynamic[str] = param("none")
    node_credential_type: str = param("", show={"authentication": ["predefinedCredentialType"]})
    request_method: Dynamic[Literal["GET", "POST"]] = param("POST", required=True, label="HTTP Request Method")
    endpoint: Dynamic[str] = param("", required=True)
    allow_unauthorized_certs: Dynamic[bool] = param(False)
    request_format: Dynamic[Literal["graphql", "json"]] = param(
        "graphql", since={1.1: "json"}, show=_POST, required=True
    )
    query: Dynamic[Any] = param("", required=True)
    variables: Dynamic[Any] = param("", show=_AS_JSON)
    operation_name: Dynamic[str] = param("", show=_AS_JSON)
    response_format: Dynamic[Literal["json", "string"]] = param("json")
    data_property_name: Dynamic[str] = param(
        "data", show={"responseFormat": ["string"]}, required=True, label="Response Data Property Name"
    )
    header_parameters_ui: Dynamic[dict[str, Any]] = param({})

    def credential_needs(self, version: float) -> list[CredentialUse]:
        """Return the type that the parameters name."""
        del version
        return credential_uses(self._credential_type())

    def mutation(self, version: float) -> str | None:
        """Return what a query changes, if it is written in the parameters."""
        del version
        return "its mutation" if str(self.query).lstrip("= \n\t").startswith("mutation") else None

    def _credential_type(self) -> str | None:
        by_name = self.node_credential_type if self.authentication == "predefinedCredentialType" else None
        return by_name or _CREDENTIALS.get(self.authentication)

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Return the responses; under continueOnFail those with errors are followed by an error item, as in n8n."""
        out: Items = []
        shared: dict[str, Credential] = {}
        for i in range(len(items)):
            try:
                node = context.resolve(self, i)
                answer = await node.send_query(self, context, i, shared)
                out += [{**item, "pairedItem": {"item": i}} for item in node.items(answer)]
                node.raise_errors(answer)
            except (RequestFailed, NodeError) as raised:
                error = raised.error if isinstance(raised, RequestFailed) else raised
                error.item = i if error.item is None else error.item
                if not context.continue_on_fail:
                    raise error from None
                out.append(error_item(error, i))
        return [out]

    async def send_query(
        self, written: "GraphQL", context: ActivityContext, i: int, shared: dict[str, Credential]
    ) -> Any:
        """Return the response: JSON, or text where it is none or was requested as text. Raise RequestFailed, NodeError."""
        request = Request(self.request_method, js_string(self.endpoint))
        request.headers = last_wins(pairs(self.header_parameters_ui, written.header_parameters_ui, "parameter"))
        for name in request.headers:
            if not _TOKEN.fullmatch(name):
                message = f'Header name must be a valid HTTP token ["{name}"]'
                raise NodeApiError(message, http_code="ERR_INVALID_HTTP_TOKEN")
        plain = self.request_method == "POST" and self.request_format == "graphql"
        request.default_header("content-type", f"application/{'graphql' if plain else 'json'}")
        request.default_header("accept", "*/*" if plain else "application/json")
        if self.request_method == "GET":
            request.query = {"query": self.query}
        if plain:
            request.body = Bytes(js_string(self.query).encode(), "application/graphql")
        else:
            operation = self.operation_name or None
            request.body = Json({"query": self.query, "variables": self.variables_object(), "operationName": operation})
        generic = self.authentication != "predefinedCredentialType"
        credential = await credential_of(context, self._credential_type(), i, shared, generic=generic)
        options = {"allowUnauthorizedCerts": self.allow_unauthorized_certs}
        exchange = await PreparedRequest(context, request, credential, Redirects(21, only_get=True), options, i).send()
        body = exchange.response.body
        if not body:
            return UNDEFINED
        return decode(body, None) if plain else axios_data(body)

    def variables_object(self) -> Any:
        """Return the variables as an object. Raise NodeError when they are text that is no JSON."""
        variables = self.variables
        if not isinstance(variables, str):
            return {} if variables is None else variables
        try:
            return parse_json(variables or "{}")
        except NotJsonError as error:
            failed = f"Using variables failed:\n{variables}\n\nWith error message:\nSyntaxError: {error.message}"
            raise NodeError(failed) from error

    def items(self, answer: Any) -> list[Item]:
        """Return the response as items. Raise NodeError when it should be JSON and is not."""
        if self.response_format == "string":
            return [{"json": {} if answer is UNDEFINED else {self.data_property_name: answer}}]
        if isinstance(answer, str):
            try:
                answer = parse_json(answer)
            except NotJsonError:
                raise NodeError('Response body is not valid JSON. Change "Response Format" to "String"') from None
        if answer is None:
            raise NodeApiError("Cannot read properties of null (reading 'errors')")
        values = answer if isinstance(answer, list) else [{} if answer is UNDEFINED else answer]
        return [{"json": value} for value in values]

    def raise_errors(self, answer: Any) -> None:
        """Raise the errors in a response as a NodeApiError."""
        text = isinstance(answer, str)
        if text:
            try:
                answer = parse_json(answer)
            except NotJsonError:
                return
        if answer is None and not text:
            raise NodeApiError("Cannot read properties of null (reading 'errors')")
        errors = answer.get("errors", UNDEFINED) if isinstance(answer, dict) else UNDEFINED
        if isinstance(errors, list):
            messages = ", ".join(
                js_string(each.get("message") or each) if isinstance(each, dict) else js_string(each) for each in errors
            )
            raise NodeApiError(messages or _UNKNOWN, description=None if messages else _CHECK)
        if errors is not UNDEFINED and truthy(errors) and not (text and self.response_format == "string"):
            raise NodeApiError(
                "Unexpected error", description=errors.get("message") if isinstance(errors, dict) else None
            )
