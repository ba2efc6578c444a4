"""HTTP Request 1 and 2, with their own parameter names."""

import asyncio
from collections.abc import Iterator
from functools import partial
from typing import Any

from runtime.contract import (
    Activity,
    ActivityContext,
    Dynamic,
    Item,
    Items,
    MissingCredential,
    NodeApiError,
    NodeError,
    Outputs,
    param,
)
from runtime.http import Bytes, Failure, Form, Json, Multipart, Part, Request, status_failure
from runtime.http.answer import axios_data, decode
from runtime.http.body import FORM, JSON, Body, field_part
from runtime.http.credentials import Credential
from runtime.http.exchange import Redirects
from runtime.http.request import spread
from runtime.nodes.checkpoint import Checkpoint
from runtime.nodes.http_request.body import file_part
from runtime.nodes.http_request.call import (
    MAX_CONCURRENT_REQUESTS,
    WRONG_ARGUMENT,
    FinalResponse,
    PreparedRequest,
    RequestFailed,
    Uncaught,
    api_error,
    axios_error,
    batch_pause,
    check_credential,
    credential_of,
)
from runtime.nodes.http_request.facts import credential_uses, mutation
from runtime.nodes.http_request.fields import group_values, http_url, last_wins, pairs
from runtime.nodes.http_request.output import ResponseOptions, accept, file_item, meta, text_json
from runtime.nodes.http_request.results import begin, cancel_all, failed_item, gather_in_order
from runtime.values.javascript import js_string, json_stringify
from runtime.values.json_text import NotJsonError, parse_json
from schemas.diagnostic import Diagnostic, Location
from schemas.facts import CredentialUse
from schemas.item import UNDEFINED, NoJson

_WITH_BODY = ["PATCH", "POST", "PUT"]
_MAY_HAVE_BODY = [*_WITH_BODY, "DELETE"]
_SUCCESS = range(200, 300)
_NOT_JSON = 'Response body is not valid JSON. Change "Response Format" to "String"'
_NOT_TEXT = 'The "chunk" argument must be of type string or an instance of Buffer, TypedArray, or DataView.'
_CREDENTIALS = {
    "basicAuth": "httpBasicAuth",
    "digestAuth": "httpDigestAuth",
    "headerAuth": "httpHeaderAuth",
    "queryAuth": "httpQueryAuth",
    "oAuth1": "oAuth1Api",
    "oAuth2": "oAuth2Api",
}


class _HttpRequestV1To2(Activity):
    """The parameters and the run of both versions."""

    request_method: Dynamic[str] = param("GET")
    url: Dynamic[str] = param("", required=True, label="URL")
    allow_unauthorized_certs: Dynamic[bool] = param(False)
    response_format: Dynamic[str] = param("json")
    data_property_name: Dynamic[str] = param("data", show={"responseFormat": ["string", "file"]})
    json_parameters: Dynamic[bool] = param(False)
    options: Dynamic[dict[str, Any]] = param({})
    send_binary_data: Dynamic[bool] = param(False, show={"jsonParameters": [True], "requestMethod": _WITH_BODY})
    binary_property_name: Dynamic[str] = param(
        "data", hide={"sendBinaryData": [False]}, show={"jsonParameters": [True], "requestMethod": _WITH_BODY}
    )
    body_parameters_json: Dynamic[Any] = param(
        "", hide={"sendBinaryData": [True]}, show={"jsonParameters": [True], "requestMethod": _MAY_HAVE_BODY}
    )
    body_parameters_ui: Dynamic[dict[str, Any]] = param(
        {}, show={"jsonParameters": [False], "requestMethod": _MAY_HAVE_BODY}
    )
    header_parameters_json: Dynamic[Any] = param("", show={"jsonParameters": [True]})
    header_parameters_ui: Dynamic[dict[str, Any]] = param({}, show={"jsonParameters": [False]})
    query_parameters_json: Dynamic[Any] = param("", show={"jsonParameters": [True]})
    query_parameters_ui: Dynamic[dict[str, Any]] = param({}, show={"jsonParameters": [False]})

    def credential_type(self) -> str | None:
        """Return the credential type that the authentication parameters name."""
        raise NotImplementedError

    def credential_needs(self, version: float) -> list[CredentialUse]:
        """Return the type that the parameters name."""
        del version
        return credential_uses(self.credential_type())

    def mutation(self, version: float) -> str | None:
        """Return what a method other than GET, HEAD and OPTIONS changes."""
        del version
        return mutation(self.request_method)

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Send all requests, then put the results in the order of the items."""
        shared: dict[str, Credential] = {}
        first = context.resolve(self, 0) if items else self
        started: list[asyncio.Task[list[Item]]] = []
        gate, checkpoint = asyncio.Semaphore(MAX_CONCURRENT_REQUESTS), Checkpoint(context, len(items))
        try:
            for i, item in enumerate(items):
                node = context.resolve(self, i)
                await batch_pause(i, *_batching(node.options or {}))
                work = partial(node.items_of, self, context, item, i, shared, gate, first)
                await begin(started, lambda built, i=i, work=work: checkpoint.run_once(i, partial(work, built)))  # type: ignore[misc]
            return [await gather_in_order(started)]
        finally:
            await cancel_all(started)

    async def items_of(
        self,
        written: "_HttpRequestV1To2",
        context: ActivityContext,
        item: Item,
        i: int,
        shared: dict[str, Credential],
        gate: asyncio.Semaphore,
        first: "_HttpRequestV1To2",
        built: asyncio.Event,
    ) -> list[Item]:
        """Return the items of one input item, `self` being the node as it is for it and `first` for the first one, by which all
        responses are shown; `built` is set as soon as its request is.

        Raise NodeError for a request that could not be built: as in n8n continueOnFail is for requests that failed.
        """
        try:
            call = await self._call(written, context, item, i, shared)
            built.set()
            async with gate:
                results = await self._items(context, await call.send(), item, i, first)
        except RequestFailed as failure:
            if str(failure.error_object.get("message")).startswith("timeout of "):  # in the words of axios alone
                failure.error.message = failure.error_object["message"]
            return failed_item(context, failure, i)
        return [{**each, "pairedItem": {"item": i}} for each in results]  # type: ignore[typeddict-item]

    async def _call(
        self, written: "_HttpRequestV1To2", context: ActivityContext, item: Item, i: int, shared: dict[str, Credential]
    ) -> PreparedRequest:
        options = self.options or {}
        request = Request(self.request_method or "GET", http_url(self.given("url"), i))
        request.arrays = "repeat" if options.get("useQueryString") else "indices"
        request.body = await self._body(written, context, item, options, i)
        as_text = self.json_parameters and options.get("bodyContentType") == "raw" and self.request_method in _WITH_BODY
        headers = (as_text and self._headers_text()) or self._fields(written, "header", i)
        if not isinstance(headers, dict):
            raise Uncaught(_no_headers(headers), item=i)
        request.headers = {name.lower(): value for name, value in headers.items()}
        query = self._fields(written, "query", i)
        request.query = query if isinstance(query, dict | None) else {}
        if options.get("bodyContentType") == "raw" and options.get("bodyContentCustomMimeType"):
            request.default_header("content-type", options["bodyContentCustomMimeType"])
        is_upload = self.request_method in _WITH_BODY and options.get("bodyContentType") != "raw"
        if request.body is None and self.response_format == "file" and is_upload:
            request.default_header("content-type", JSON)
        request.default_header("accept", accept(self.response_format))
        generic = self.authentication != "predefinedCredentialType"
        type_ = self.credential_type()
        if type_ == "httpCustomAuth":  # offered, but n8n does not look for it
            type_ = None
        try:
            credential = await credential_of(context, type_, i, shared, generic=generic)
        except MissingCredential:
            if not generic:
                raise
            credential = None  # n8n's first versions do without one that is missing
        sent = {**options, "allowUnauthorizedCerts": self.allow_unauthorized_certs}
        return PreparedRequest(context, request, credential, _redirects(options), sent, i)

    def _headers_text(self) -> str:
        """Return headers of a raw body that are JSON in text, which n8n does not parse; empty text where they are no text."""
        return self.header_parameters_json if isinstance(self.header_parameters_json, str) else ""

    def _fields(self, written: "_HttpRequestV1To2", kind: str, i: int) -> Any:
        """Return the query or the headers, an object unless the author wrote JSON of another kind. Raise NodeError."""
        if self.json_parameters:
            name = "query_parameters_json" if kind == "query" else "header_parameters_json"
            fields = self._parsed(name, "Query Parameters" if kind == "query" else "Headers", i)
            return {} if fields is UNDEFINED else spread(fields) if isinstance(fields, list) else fields
        if kind == "query":
            return group_values(pairs(self.query_parameters_ui, written.query_parameters_ui, "parameter"), of_text=True)
        return last_wins(pairs(self.header_parameters_ui, written.header_parameters_ui, "parameter"))

    async def _body(
        self, written: "_HttpRequestV1To2", context: ActivityContext, item: Item, options: dict[str, Any], i: int
    ) -> Body | None:
        if self.request_method not in _MAY_HAVE_BODY:
            return None
        kind = options.get("bodyContentType") or "json"
        if self.json_parameters and self.send_binary_data and self.request_method in _WITH_BODY:
            return await self._binary_body(context, item, kind, i)
        if self.json_parameters and kind == "raw":
            raw = self.body_parameters_json
            if not raw and self.request_method not in _WITH_BODY:
                return None
            return Json(raw) if isinstance(raw, dict | list) else Bytes(js_string(raw or ""), FORM)
        value: Any
        if self.json_parameters:
            value = self._parsed("body_parameters_json", "Body Parameters", i)
        else:
            value = last_wins(pairs(self.body_parameters_ui, written.body_parameters_ui, "parameter")) or UNDEFINED
        return None if value is UNDEFINED else _body_of_type(value, kind, i)

    def _parsed(self, name: str, label: str, i: int) -> Any:
        """Return the value of a JSON field. Raise Uncaught when it is not JSON, as n8n does."""
        if self.is_undefined(name):
            raise _not_json(label, i)
        return _parse(getattr(self, name), label, i)

    async def _binary_body(self, context: ActivityContext, item: Item, kind: str, i: int) -> Body:
        names = [each.strip() for each in js_string(self.binary_property_name or "").split(",")]
        if kind == "raw":
            part = await file_part(context, item, "", names[0], i)
            return Bytes(part.content, FORM)
        if kind != "multipart-form-data":
            raise NodeError(
                'Sending binary data is only supported when option "Body Content Type" is set to "RAW/CUSTOM" or '
                '"FORM-DATA/MULTIPART"!',
                item=i,
            )
        fields_of_parts = [each.split(":", 1) if ":" in each else ["file", each] for each in names]
        return Multipart([await file_part(context, item, name, field, i) for name, field in fields_of_parts])

    async def _items(
        self, context: ActivityContext, final: FinalResponse, item: Item, i: int, first: "_HttpRequestV1To2"
    ) -> list[dict[str, Any]]:
        options, response = self.options or {}, final.response
        response_options = ResponseOptions(
            first.response_format, bool(options.get("fullResponse")), property=first.data_property_name or "data"
        )
        data = axios_data(response.body)
        if response.status not in _SUCCESS and not options.get("ignoreResponseCode"):
            as_text = response_options.format in ("file", "string") or options.get("bodyContentType") == "raw"
            shown = decode(response.body, None) if as_text else data
            content = json_stringify("" if shown is UNDEFINED else shown)
            raise _status_error(f"{response.status} - {content}", response.status, i)
        if response_options.format == "file":
            return [await file_item(context, response_options, final, item)]
        if response_options.format == "string":
            return [{"json": text_json(response_options, data, response)}]
        if isinstance(data, str):
            raise Uncaught(_NOT_JSON, item=i)
        if response_options.full:
            return [{"json": ({} if data is UNDEFINED else {"body": data}) | meta(response)}]
        if data is UNDEFINED and context.error_output:
            raise Uncaught("Cannot read properties of undefined (reading 'error')", item=i)
        values = data if isinstance(data, list) and options.get("splitIntoItems") else [data]
        return [{"json": _object(value)} for value in values]


class HttpRequestV1(_HttpRequestV1To2):
    """HTTP Request, version 1: one request per item."""

    type = "n8n-nodes-base.httpRequest"
    versions = (1,)

    authentication: Dynamic[str] = param("none")

    def credential_type(self) -> str | None:
        """Return the credential type by the names of version 1."""
        return _CREDENTIALS.get(self.authentication)


class HttpRequestV2(_HttpRequestV1To2):
    """HTTP Request, version 2: one request per item."""

    type = "n8n-nodes-base.httpRequest"
    versions = (2,)

    authentication: Dynamic[str] = param("none")
    node_credential_type: str = param("", show={"authentication": ["predefinedCredentialType"]})
    generic_auth_type: Dynamic[str] = param("", show={"authentication": ["genericCredentialType"]})

    def check(self, at: Location, version: float) -> Iterator[Diagnostic]:
        """Report a credential type that cannot sign a request."""
        del version
        if self.authentication == "predefinedCredentialType":
            yield from check_credential(at, "nodeCredentialType", self.node_credential_type)
        elif self.authentication == "genericCredentialType":
            yield from check_credential(at, "genericAuthType", self.generic_auth_type)

    def credential_type(self) -> str | None:
        """Return the credential type, chosen as from version 3 on."""
        if self.authentication == "predefinedCredentialType":
            return self.node_credential_type
        return self.generic_auth_type if self.authentication == "genericCredentialType" else None


def _parse(value: Any, label: str, i: int) -> Any:
    """Return a JSON field: undefined when it is empty text. Raise Uncaught when it is not JSON, as n8n does."""
    if not isinstance(value, str):
        return value
    if not value:
        return UNDEFINED
    try:
        return parse_json(value)
    except NotJsonError as error:
        raise _not_json(label, i) from error


def _not_json(label: str, i: int) -> Uncaught:
    advice = 'Set Body Content Type to "RAW/Custom" for XML or other types of payloads'
    return Uncaught(f'The data in "{label}" is no valid JSON. {advice}', item=i)


def _no_headers(value: Any) -> str:
    """Return what JavaScript says where n8n sets a header of a value that is no object."""
    if value is None:
        return "Cannot read properties of null (reading 'accept')"
    kind = "boolean" if isinstance(value, bool) else "string" if isinstance(value, str) else "number"
    return f"Cannot create property 'accept' on {kind} '{js_string(value)}'"


def _body_of_type(value: Any, kind: str, i: int) -> Body:
    if kind == "form-urlencoded" and not isinstance(value, str):
        return Form(spread(value))
    if kind == "multipart-form-data" and isinstance(value, dict):
        return Multipart([part for name, each in value.items() for part in _fields_of(name, each, i)])
    if kind == "json" or value is None or isinstance(value, int | float):
        return Json(value) if isinstance(value, dict | list) else Bytes(json_stringify(value) or "", JSON)
    return Json(value)


def _fields_of(name: str, value: Any, i: int) -> list[Part]:
    """Return the parts of a field: one for each entry of a list. Raise RequestFailed for what Node's form-data refuses."""
    if isinstance(value, list):
        return [part for each in value for part in _fields_of(name, each, i)]
    if isinstance(value, bool):
        raise RequestFailed(
            NodeApiError(f"{_NOT_TEXT} Received type boolean ({js_string(value)})", item=i), WRONG_ARGUMENT
        )
    try:
        return [field_part(name, value)]
    except ValueError as error:
        raise RequestFailed(NodeApiError(str(error), item=i), {}) from error


def _status_error(raw: str, status: int, i: int) -> RequestFailed:
    failure = status_failure(status, raw, None)
    messages = [raw] if failure.message != raw else []
    return RequestFailed(api_error(Failure(failure.message, None, str(status), messages), i), axios_error(raw, status))


def _redirects(options: dict[str, Any]) -> Redirects:
    everywhere = bool(options.get("followAllRedirects"))
    follow = everywhere or options.get("followRedirect", True) is not False
    return Redirects(21 if follow else 0, only_get=not everywhere)


def _batching(options: dict[str, Any]) -> tuple[int, float]:
    if "batchInterval" not in options and "batchSize" not in options:
        return 0, 0
    return int(options.get("batchSize", 50) or 1), (options.get("batchInterval", 1000) or 0) / 1000


def _object(value: Any) -> Any:
    return NoJson() if value is UNDEFINED else {} if value is None else value
