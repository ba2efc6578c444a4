"""Pagination: the same request again, changed by expressions that see the last response."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runtime.contract import ActivityContext, HttpResponse, NodeApiError, NodeError
from runtime.http import Bytes, Form, Json, Multipart, Request
from runtime.http.answer import axios_data, header_object
from runtime.http.body import Body, field_part
from runtime.http.request import assigned
from runtime.nodes.http_request.call import (
    WRONG_ARGUMENT,
    FinalResponse,
    PreparedRequest,
    RequestFailed,
    status_failed,
    stopped,
)
from runtime.nodes.http_request.output import PARSED_BY_AXIOS, ResponseOptions, body_of, resolved_format
from runtime.values.javascript import js_string, json_stringify, truthy
from schemas.item import UNDEFINED

_AT = ("options", "pagination", "pagination")
_SUCCESS = range(200, 300)
_NOT_MODIFIED = 304
_SAME_LENGTHS_IN_A_ROW, _SAME_BODIES_IN_A_ROW = 5, 3
_IDENTICAL = f"The returned response was identical {_SAME_LENGTHS_IN_A_ROW}x, so requests got stopped"
_NO_DATA = (
    'The "data" argument must be of type string or an instance of Buffer, TypedArray, or DataView. Received undefined'
)
"""What n8n says of an empty answer that it wants to compare with the one before."""
_CHECK_COMPLETION = 'Check if "Pagination Completed When" has been configured correctly.'
_BETWEEN = re.compile(r"[,\s]+")
_PLAIN_PATH = re.compile(r"=\{\{\s*\$response((?:\??\.\w+)+)\s*\}\}")
_UNDEFINED = re.compile(r"=\{\{\s*undefined\s*\}\}")


@dataclass(frozen=True)
class Paging:
    """The pagination options of an item, expressions as they were resolved ahead (only their presence counts)."""

    mode: str
    parameters: list[dict[str, Any]]
    complete_when: str
    codes: frozenset[int]
    limit: int | None
    interval: float
    complete_expression: str
    """As written."""


def settings(options: Mapping[str, Any], written: Mapping[str, Any], i: int) -> Paging | None:
    """Return the pagination options, None when there is no pagination. `written`: the options with their expressions.
    Raise NodeError for options that would never end.
    """
    chosen = ((options or {}).get("pagination") or {}).get("pagination")
    if chosen is None or chosen.get("paginationMode") == "off":
        return None
    mode = chosen.get("paginationMode") or "updateAParameterInEachRequest"
    entries = (chosen.get("parameters") or {}).get("parameters") or []
    written_pagination = written["pagination"]["pagination"]
    if mode == "updateAParameterInEachRequest":
        _check_parameters((written_pagination.get("parameters") or {}).get("parameters") or [], i)
    complete = chosen.get("paginationCompleteWhen") or "responseIsEmpty"
    expression = written_pagination.get("completeExpression")
    if complete == "other" and not (isinstance(expression, str) and expression.startswith("=")):
        raise NodeError("Invalid or empty Complete Expression", item=i)
    codes = _codes(chosen.get("statusCodesWhenComplete")) if complete == "receiveSpecificStatusCodes" else frozenset()
    limit = int(chosen.get("maxRequests", 100)) or None if chosen.get("limitPagesFetched") else None
    interval = (chosen.get("requestInterval") or 0) / 1000
    return Paging(mode, entries, complete, codes, limit, interval, expression or "")


def _check_parameters(entries: list[dict[str, Any]], i: int) -> None:
    if not entries:
        raise NodeError(
            "At least one entry with 'Name' and 'Value' filled must be included in 'Parameters' to use 'Update a Parameter "
            "in Each Request' mode ",
            item=i,
        )
    for number, entry in enumerate(entries, 1):
        if not entry.get("name"):
            raise NodeError(f"Parameter name must be set for parameter [{number}] in pagination settings", item=i)
        if entry.get("value", "") == "":
            raise NodeError(
                f"Some value must be provided for parameter [{number}] in pagination settings, omitting it will result in an "
                "infinite loop",
                item=i,
            )


def _codes(text: Any) -> frozenset[int]:
    return frozenset(int(each) for each in _BETWEEN.split(js_string(text or "")) if each.isdigit())


async def pages(
    context: ActivityContext, call: PreparedRequest, response_options: ResponseOptions, paging: Paging, i: int
) -> list[FinalResponse]:
    """Return the responses of all pages. Raise RequestFailed or NodeError."""
    responses: list[FinalResponse] = []
    last: dict[str, Any] = {}
    guard = _Repeats()
    while True:
        expressions = _PageExpressions(
            context, i, {"$pageCount": len(responses), "$request": _request_object(call.request), "$response": last}
        )
        final = await call.with_request(await _page_request(expressions, call.request, paging)).send()
        responses.append(final)
        if response_options.format != "file" and guard.stops(final.response, response_options.format):
            raise stopped(_IDENTICAL, _CHECK_COMPLETION, i, context.now)
        try:
            last = _response(response_options, final, i)
        except NodeError:  # of a status that means a failure, the status is told
            _check_status(paging, final, i)
            raise
        expressions = _PageExpressions(
            context, i, {**expressions.paged, "$pageCount": len(responses), "$response": last}
        )
        if paging.limit is not None and len(responses) >= paging.limit:
            return responses
        if paging.complete_when == "responseIsEmpty" and _is_empty(last):
            return responses
        ended = await _complete(expressions, paging)
        if ended is None:
            return responses
        _check_status(paging, final, i)  # whatever "Never Error" says
        if ended:
            return responses
        await asyncio.sleep(paging.interval)


@dataclass(frozen=True)
class _PageExpressions:
    """Evaluates the pagination expressions of one page."""

    context: ActivityContext
    item: int
    paged: dict[str, Any]

    async def value(self, *path: str | int) -> Any:
        return await self.context.evaluate_paged((*_AT, *path), self.item, self.paged)


async def _page_request(expressions: _PageExpressions, base: Request, paging: Paging) -> Request:
    request = base.copy()
    if request.query is None:
        request.query = {}
    if paging.mode == "responseContainsNextURL":
        url = await expressions.value("nextURL")
        if url is UNDEFINED or (url is None and not expressions.paged["$response"]):
            return request
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            message = f"'{js_string(url)}' is not a valid URL."
            raise stopped(
                message,
                'Make sure the "Next URL" parameter evaluates to a valid URL.',
                expressions.item,
                expressions.context.now,
            )
        request.url = url
        return request
    for number, entry in enumerate(paging.parameters):
        value = await expressions.value("parameters", "parameters", number, "value")
        _place(request, entry.get("type") or "qs", entry["name"], value)
    return request


def _place(request: Request, kind: str, name: str, value: Any) -> None:
    if kind == "body":
        request.body = _with_field(request.body, name, value)
    elif kind == "headers":
        request.set_header(name, value)
    else:
        request.query = assigned(request.query, {name: value})


def _with_field(body: Body | None, name: str, value: Any) -> Body:
    """Return a body with one more field: a file and a JSON list stay as they are, a text and a number give way."""
    match body:
        case Form():
            return Form(body.fields | {name: value}, body.arrays)
        case Multipart():
            return Multipart([*body.parts, field_part(name, value)], body.type)
        case Json(list()):
            return body
        case Bytes() if body.content:
            return body
    own = body.value if isinstance(body, Json) and isinstance(body.value, dict) else {}
    return Json(own | {name: value})


def _request_object(request: Request) -> dict[str, Any]:
    headers = _defined(request.headers)
    request_object: dict[str, Any] = {"headers": headers, "method": request.method, "uri": request.url}
    if request.query:
        request_object["qs"] = _defined(request.query)
    if isinstance(request.body, Json):
        request_object["body"] = _defined(request.body.value)
    return request_object


def _defined(fields: Any) -> Any:
    """Return fields without those that are undefined, at any depth, which JSON cannot hold."""
    if fields is UNDEFINED:
        return None
    if isinstance(fields, list):
        return [_defined(each) for each in fields]
    return (
        {name: _defined(each) for name, each in fields.items() if each is not UNDEFINED}
        if isinstance(fields, dict)
        else fields
    )


def _response(response_options: ResponseOptions, final: FinalResponse, i: int) -> dict[str, Any]:
    response = final.response
    is_file = resolved_format(response_options, response) == "file"
    # a file is a stream in n8n: never empty, and nothing to read in it
    if response_options.format in PARSED_BY_AXIOS:
        body = axios_data(response.body)  # what is no JSON is refused when all pages are there
    elif is_file:
        body = {}
    else:
        body = body_of(response_options, response, i)
    response_object = {"headers": header_object(response.headers), "statusCode": response.status}
    return response_object if body is UNDEFINED else {"body": body, **response_object}


def _check_status(paging: Paging, final: FinalResponse, i: int) -> None:
    """Raise RequestFailed for a status outside 2xx, unless it ends the pages."""
    response = final.response
    if response.status in _SUCCESS or response.status in paging.codes:
        return
    data = axios_data(response.body)
    nothing = "{}" if response.status == _NOT_MODIFIED else ""  # which has no type of content
    text = data if isinstance(data, str) else nothing if data is UNDEFINED else json_stringify(data)
    error_object = {
        "statusCode": response.status,
        "error": text,
        "isAxiosError": True,
        "response": {
            "headers": header_object(response.headers),
            "status": response.status,
            "statusText": response.reason,
        },
    }
    raise status_failed(response.status, f'{response.status} - "{text}"', data, i, error_object)


def _is_empty(last: Mapping[str, Any]) -> bool:
    return not truthy(last.get("body", UNDEFINED)) or last["body"] == []


async def _complete(expressions: _PageExpressions, paging: Paging) -> bool | None:
    """Return whether this was the last page; None where the author's expression failed, at which n8n stops."""
    last = expressions.paged["$response"]
    if paging.complete_when == "responseIsEmpty":
        return False
    if paging.complete_when == "receiveSpecificStatusCodes":
        return last["statusCode"] in paging.codes
    value = await expressions.value("completeExpression")
    return None if value is UNDEFINED and _threw(paging.complete_expression, last) else truthy(value)


def _threw(raw: str, last: Mapping[str, Any]) -> bool:
    """Whether an undefined result came from an error, at which n8n stops: a plain path throws when a parent is missing."""
    if _UNDEFINED.fullmatch(raw):
        return False
    plain = _PLAIN_PATH.fullmatch(raw)
    if plain is None:
        return True
    value: Any = last
    for key in plain[1].replace("?", "").split(".")[1:-1]:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value is None


class _Repeats:
    """Stops a pagination that gets the same answer again and again: n8n's rule on lengths and bodies in a row."""

    def __init__(self) -> None:
        self._body: bytes | None = None
        self._length, self._lengths, self._bodies = 0, 1, 0

    def stops(self, response: HttpResponse, response_format: str) -> bool:
        """Return whether this is the fifth response of one length in a row, the last four being the same. The length is what
        the service says of it, also where it sends nothing. Raise RequestFailed for nothing where n8n compares.
        """
        body = response.body
        declared = header_object(response.headers).get("content-length", "")
        length = int(declared) if declared.isascii() and declared.isdigit() else len(body)
        same_length = length == self._length  # before the first answer it is 0
        if same_length and not body and response_format in PARSED_BY_AXIOS:
            raise RequestFailed(NodeApiError(_NO_DATA, http_code=WRONG_ARGUMENT["code"]), WRONG_ARGUMENT)
        self._lengths = self._lengths + 1 if same_length else 1
        self._bodies = self._bodies + 1 if body == self._body else 0
        self._body, self._length = body, length
        return self._lengths >= _SAME_LENGTHS_IN_A_ROW and self._bodies >= _SAME_BODIES_IN_A_ROW
