"""HTTP Request 3 to 4.5."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from runtime.contract import ActivityContext, Item, Items, NodeApiError, NodeError, Outputs
from runtime.http import Json, Request
from runtime.http.credentials import Credential
from runtime.http.exchange import Redirects
from runtime.nodes.checkpoint import Checkpoint
from runtime.nodes.http_request import pagination
from runtime.nodes.http_request.body import as_text, build_body
from runtime.nodes.http_request.call import (
    MAX_CONCURRENT_REQUESTS,
    PreparedRequest,
    RequestFailed,
    Uncaught,
    batch_pause,
    check_credential,
    credential_of,
)
from runtime.nodes.http_request.facts import credential_uses, mutation
from runtime.nodes.http_request.fields import header_fields, http_url, is_missing, query_fields
from runtime.nodes.http_request.output import (
    EXPRESSION,
    PARSED_BY_AXIOS,
    ResponseOptions,
    accept,
    goes_into_storage,
    items_of,
)
from runtime.nodes.http_request.parameters import HttpRequestParameters
from runtime.nodes.http_request.results import begin, cancel_all, check_json, failed_item, gather_in_order, refused_item
from runtime.values.javascript import js_string, js_typeof
from schemas.diagnostic import Diagnostic, Location
from schemas.facts import CredentialUse, is_literal

_KEEPS_AUTHORIZATION_BEFORE = 4.4
_FOLLOWS_BY_DEFAULT = 4
_READ_FIRST = (
    "query_parameters",
    "json_query",
    "header_parameters",
    "json_headers",
    "json_pairs",
    "json_body",
    "multipart_pairs",
    "form_pairs",
)
"""Parameters whose expressions fail before any of them is made use of."""


class HttpRequest(HttpRequestParameters):
    """One request per item; all items' requests run at the same time unless they are batched."""

    type = "n8n-nodes-base.httpRequest"
    versions = (3, 4, 4.1, 4.2, 4.3, 4.4, 4.5)
    usable_as_tool = True

    def check(self, at: Location, version: float) -> Iterator[Diagnostic]:
        """Report a credential type that cannot sign a request."""
        del version
        if self.authentication == "predefinedCredentialType":
            yield from check_credential(at, "nodeCredentialType", self.node_credential_type)
        elif self.authentication == "genericCredentialType":
            yield from check_credential(at, "genericAuthType", self.generic_auth_type)

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Send all requests, then put the results in the order of the items."""
        shared: dict[str, Credential] = {}
        shown = self._shown(context) if items else ResponseOptions()
        started: list[asyncio.Task[list[Item]]] = []
        gate, checkpoint = asyncio.Semaphore(MAX_CONCURRENT_REQUESTS), Checkpoint(context, len(items))
        try:
            for i, item in enumerate(items):
                await batch_pause(i, *_batching(context.resolve(self, i)))
                work = partial(self._item, context, item, i, shared, gate, shown)
                await begin(started, lambda built, i=i, work=work: checkpoint.run_once(i, partial(work, built)))  # type: ignore[misc]
            output = await gather_in_order(started)
            check_json(output, error_output=context.error_output)
            return [output]
        finally:
            await cancel_all(started)

    async def _item(
        self,
        context: ActivityContext,
        item: Item,
        i: int,
        shared: dict[str, Credential],
        gate: asyncio.Semaphore,
        shown: ResponseOptions,
        built: asyncio.Event,
    ) -> list[Item]:
        """The items that input item `i` gives; `built` is set as soon as its request is. A failed request gives n8n's error
        object under continueOnFail.
        """
        try:
            node = context.resolve(self, i)
            call, response_options = await node.prepare(self, context, item, i, shared)
            built.set()
            response_options = replace(shown, never_error=response_options.never_error)
            async with gate:
                call = await node.with_credential(call, context, i, shared)
                results = await self._answers(context, call, response_options, item, i)
        except RequestFailed as failure:
            return failed_item(context, failure, i)
        except Uncaught:
            raise
        except NodeError as error:
            return refused_item(context, error, i)
        return [{**each, "pairedItem": {"item": i}} for each in results]  # type: ignore[typeddict-item]

    def _shown(self, context: ActivityContext) -> ResponseOptions:
        """Return how the items of all responses look: as in n8n by the options of the first input item, and by the format as it
        is written, so that an expression in its place is like none.
        """
        try:
            options = ResponseOptions.of(context.resolve(self, 0).options or {})
        except NodeError:  # told with the item
            return ResponseOptions()
        written = ((self.options or {}).get("response") or {}).get("response") or {}
        return options if is_literal(written.get("responseFormat")) else replace(options, format=EXPRESSION)

    async def _answers(
        self, context: ActivityContext, call: PreparedRequest, response_options: ResponseOptions, item: Item, i: int
    ) -> list[dict[str, Any]]:
        paging = pagination.settings(context.resolve(self, i).options, self.options, i)
        if paging is None:
            stored = replace(call, store=partial(goes_into_storage, response_options))
            return await items_of(context, response_options, await stored.send(), item, i)
        pages = await pagination.pages(context, call, response_options, paging, i)
        return [
            item_json
            for page in pages
            for item_json in await items_of(context, response_options, page, item, i, paged=True)
        ]

    async def prepare(
        self, written: "HttpRequest", context: ActivityContext, item: Item, i: int, shared: dict[str, Credential]
    ) -> tuple[PreparedRequest, ResponseOptions]:
        """Return the request of this item, `self` being the node as it is for it, without a vendor's credential. Raise
        NodeError.

        As in n8n the body comes first, after all parameters were read.
        """
        version = context.version
        credential, certificate = None, None
        if self.authentication == "genericCredentialType":
            credential = await credential_of(context, self.generic_auth_type, i, shared, generic=True)
        if self.provide_ssl_certificates:
            certificate = dict(await context.credentials.get("httpSslAuth", i, restricted=True))
        url = http_url(self.given("url"), i)
        options = self.options or {}
        for name in _READ_FIRST:
            getattr(self, name)
        response_options = ResponseOptions.of(options)
        request = Request(self.method or "GET", url, arrays=options.get("queryParameterArrays") or "indices")
        body, content_type = await build_body(self, written, context, item, i) if self.send_body else (None, None)
        if (
            isinstance(body, Json)
            and self.content_type == "json"
            and not options.get("pagination")
            and response_options.format in PARSED_BY_AXIOS
        ):
            body = as_text(body)
        request.body = body
        if self.send_query:
            query = query_fields(self, written, version, i)
            if credential is not None and self.generic_auth_type == "httpQueryAuth":
                _require_object(query, credential, i)
            request.query = query if isinstance(query, dict | list | str | None) else {}
        if self.send_headers:
            request.headers = header_fields(self, written, options, version, i)
        if content_type is not None and self.content_type == "raw":
            request.set_header("content-type", content_type)
        elif content_type is not None:
            request.default_header("content-type", content_type)
        request.default_header("accept", accept(response_options.format))
        redirects = _redirects(options, version)
        prepared = PreparedRequest(context, request, credential, redirects, options, i, certificate)
        return prepared, response_options

    async def with_credential(
        self, call: PreparedRequest, context: ActivityContext, i: int, shared: dict[str, Credential]
    ) -> PreparedRequest:
        """Return the request with its vendor's credential: n8n looks for it while it sends. Raise NodeError and RequestFailed."""
        declared = call.request.header("content-type")
        if not is_missing(declared) and not isinstance(declared, str | list):
            raise RequestFailed(NodeApiError("contentType?.includes is not a function"), {})
        if self.authentication != "predefinedCredentialType":
            return call
        credential = await credential_of(context, self.node_credential_type, i, shared, generic=False)
        return replace(call, credential=credential)

    def credential_needs(self, version: float) -> list[CredentialUse]:
        """Return the type that the parameters name, and that of the client certificate."""
        del version
        certificate = [CredentialUse("httpSslAuth", {"provideSslCertificates": [True]}, generic=True)]
        return credential_uses(self._credential_type()) + certificate

    def mutation(self, version: float) -> str | None:
        """Return what a method other than GET, HEAD and OPTIONS changes."""
        del version
        return mutation(self.method)

    def _credential_type(self) -> str | None:
        if self.authentication == "predefinedCredentialType":
            return self.node_credential_type
        return self.generic_auth_type if self.authentication == "genericCredentialType" else None


def _require_object(query: Any, credential: Credential, i: int) -> None:
    """Raise NodeError for a query that JavaScript cannot give the credential's member."""
    if isinstance(query, bool | int | float | str):
        name = js_string(credential.data.get("name") or "")
        raise NodeError(f"Cannot create property '{name}' on {js_typeof(query)} '{js_string(query)}'", item=i)


def _redirects(options: dict[str, Any], version: float) -> Redirects:
    chosen = (options.get("redirect") or {}).get("redirect") or {}
    follow = chosen.get("followRedirects", version >= _FOLLOWS_BY_DEFAULT)
    limit = (chosen.get("maxRedirects") or 21) if follow else 0
    asked = bool(options.get("sendCredentialsOnCrossOriginRedirect"))
    return Redirects(limit, version < _KEEPS_AUTHORIZATION_BEFORE or asked, keep_credential=asked)


def _batching(node: HttpRequest) -> tuple[int, float]:
    """Return items per batch (less than 1: all at once) and seconds between batches."""
    try:
        batch = ((node.options or {}).get("batching") or {}).get("batch") or {}
    except NodeError:  # told with the item
        return 0, 0
    if not batch:
        return 0, 0
    return int(batch.get("batchSize", 50) or 1), (batch.get("batchInterval", 1000) or 0) / 1000
