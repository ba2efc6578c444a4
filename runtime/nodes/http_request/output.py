"""HTTP Request: a response to items."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runtime.contract import ActivityContext, HttpResponse, Item, NodeError
from runtime.http import ACCEPT_ANY, ACCEPT_JSON, ACCEPT_TEXT
from runtime.http.answer import (
    axios_data,
    content_type,
    decode,
    file_name,
    header_object,
    is_binary_type,
    parse_json,
)
from runtime.nodes.http_request.call import FinalResponse, status_failed
from runtime.values.javascript import js_string, json_stringify
from schemas.item import UNDEFINED, NoJson

_SUCCESS = range(200, 300)
EXPRESSION = "expression"
"""The format of a node that has an expression in its place, which n8n does not evaluate: any value is an item."""
PARSED_BY_AXIOS = ("json", "text", EXPRESSION)
"""Formats whose error bodies n8n has as values, not as the text that came."""
_NAMES_FILES = 3
_NOT_JSON = 'Response body is not valid JSON. Change "Response Format" to "Text"'


@dataclass(frozen=True)
class ResponseOptions:
    """The options of the node that say what its items hold of a response."""

    format: str = "autodetect"
    full: bool = False
    never_error: bool = False
    property: str = "data"

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> "ResponseOptions":
        """Read the node's options."""
        chosen = (options.get("response") or {}).get("response") or {}
        return cls(
            chosen.get("responseFormat") or "autodetect",
            bool(chosen.get("fullResponse")),
            bool(chosen.get("neverError")),
            "data" if (name := chosen.get("outputPropertyName")) is None else js_string(name),
        )


def accept(response_format: str) -> str:
    """Return the Accept header for a response format."""
    return {"json": ACCEPT_JSON, "text": ACCEPT_TEXT, "string": ACCEPT_TEXT}.get(response_format, ACCEPT_ANY)


def raise_for_status(response_options: ResponseOptions, response: HttpResponse, i: int) -> None:
    """Raise RequestFailed for a status outside 2xx, unless Never Error is set."""
    if response.status in _SUCCESS or response_options.never_error:
        return
    charset = None if response_options.format in PARSED_BY_AXIOS else content_type(response.headers)[1]
    data = axios_data(response.body, charset)
    content = (
        data if response_options.format in PARSED_BY_AXIOS and data is not UNDEFINED else decode(response.body, charset)
    )
    raise status_failed(response.status, f"{response.status} - {json_stringify(content)}", data, i)


def resolved_format(response_options: ResponseOptions, response: HttpResponse) -> str:
    """Return json, text or file: what autodetection makes of the content type."""
    if response_options.format != "autodetect":
        return response_options.format
    media, _ = content_type(response.headers)
    if media == "application/json":
        return "json"
    return "file" if is_binary_type(media) else "text"


def goes_into_storage(response_options: ResponseOptions, status: int, headers: Sequence[tuple[str, str]]) -> bool:
    """Return whether a long body is a file, so that it need not be held in memory."""
    if status not in _SUCCESS and not response_options.never_error:
        return False
    return resolved_format(response_options, HttpResponse(status, "", list(headers), b"")) == "file"


def body_of(response_options: ResponseOptions, response: HttpResponse, i: int) -> Any:
    """Return the body as a value: JSON or text; undefined when it is empty. Raise NodeError when it has to be JSON and
    is not.
    """
    if response_options.format == "autodetect":
        return _body_by_content_type(response_options, response, i)
    data = axios_data(response.body)
    if response_options.format == "text":
        return json_stringify(data) if isinstance(data, dict | list) else data
    if isinstance(data, str) and response_options.format != EXPRESSION:
        if not data.strip():
            return {}
        raise NodeError(_NOT_JSON, item=i)
    return data


def _body_by_content_type(response_options: ResponseOptions, response: HttpResponse, i: int) -> Any:
    media, charset = content_type(response.headers)
    text = decode(response.body, charset)
    if media != "application/json":
        return text
    if not text.strip():
        return {}
    try:
        data = parse_json(text)
    except ValueError as error:
        if response_options.never_error:
            return {}
        raise NodeError("Invalid JSON in response body", item=i) from error
    if isinstance(data, str):
        raise NodeError(_NOT_JSON, item=i)
    return data


def meta(response: HttpResponse) -> dict[str, Any]:
    """Return what a full response has besides its body."""
    return {
        "headers": header_object(response.headers),
        "statusCode": response.status,
        "statusMessage": response.reason,
    }


async def items_of(
    context: ActivityContext,
    response_options: ResponseOptions,
    final: FinalResponse,
    item: Item,
    i: int,
    *,
    paged: bool = False,
) -> list[dict[str, Any]]:
    """Return the items without pairing. Raise RequestFailed for an error status (`paged`: that was checked before) and
    NodeError for a body of another kind.
    """
    response = final.response
    if not paged:
        raise_for_status(response_options, response, i)
    match resolved_format(response_options, response):
        case "file":
            return [await file_item(context, response_options, final, item)]
        case "text":
            data = body_of(response_options, response, i) if paged or response.body else UNDEFINED
            return [{"json": text_json(response_options, data, response)}]
        case _:
            return _json_items(response_options, body_of(response_options, response, i), response)


async def file_item(
    context: ActivityContext, response_options: ResponseOptions, final: FinalResponse, item: Item
) -> dict[str, Any]:
    """Return the input item with the body as a file in addition to its own."""
    response = final.response
    media = content_type(response.headers)[0] or None
    named = file_name(response.headers, final.requested_url or final.url, with_query=final.requested_url is not None)
    name = None if response.decoded else named  # n8n cannot tell it once it decoded
    if response.decoded and context.version < _NAMES_FILES:
        media = None
    ref = await context.blobs.write(response.stored or response.body, mime_type=media, file_name=name)
    if name is None and context.version >= _NAMES_FILES and ref.get("fileExtension"):
        ref["fileName"] = f"{response_options.property}.{ref['fileExtension']}"
    binary = {**item.get("binary", {}), response_options.property: ref}
    return {"json": meta(response) if response_options.full else item["json"], "binary": binary}


def text_json(response_options: ResponseOptions, data: Any, response: HttpResponse) -> dict[str, Any]:
    """Return the text under its property, with the rest of the response when the full response is requested."""
    body = {} if data is UNDEFINED else {response_options.property: data}
    return body | (meta(response) if response_options.full else {})


def _json_items(response_options: ResponseOptions, data: Any, response: HttpResponse) -> list[dict[str, Any]]:
    if response_options.full:
        return [{"json": ({} if data is UNDEFINED else {"body": data}) | meta(response)}]
    if data is UNDEFINED:
        return [{"json": NoJson()}]
    values = data if isinstance(data, list) else [data]
    return [{"json": {} if value is None else value} for value in values]
