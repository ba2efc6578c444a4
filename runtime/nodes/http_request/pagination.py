"""Pagination: the same request again, changed by expressions that see the last response."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runtime.contract import ActivityContext, NodeError
from runtime.http import Json, Request
from runtime.http.answer import axios_data, header_object
from runtime.nodes.http_request.call import Answered, Call, status_failed, stopped
from runtime.nodes.http_request.output import Wanted, body_of, resolved_format
from runtime.values.javascript import js_string, json_stringify, truthy
from schemas.item import UNDEFINED

_AT = ("options", "pagination", "pagination")
_SUCCESS = range(200, 300)
_SAME_LENGTH, _SAME_BODY = 5, 3
_IDENTICAL = f"The returned response was identical {_SAME_LENGTH}x, so requests got stopped"
_CHECK_COMPLETION = 'Check if "Pagination Completed When" has been configured correctly.'
_PLAIN_PATH = re.compile(r"=\{\{\s*\$response((?:\??\.\w+)+)\s*\}\}")


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
    """None when there is no pagination. `written`: the options with their expressions. Raises NodeError for options that
    would never end.
    """
    chosen = ((options or {}).get("pagination") or {}).get("pagination")
    if chosen is None or chosen.get("paginationMode") == "off":
        return None
    mode = chosen.get("paginationMode") or "updateAParameterInEachRequest"
    entries = (chosen.get("parameters") or {}).get("parameters") or []
    asked = written["pagination"]["pagination"]
    if mode == "updateAParameterInEachRequest":
        _check_parameters((asked.get("parameters") or {}).get("parameters") or [], i)
    complete = chosen.get("paginationCompleteWhen") or "responseIsEmpty"
    expression = asked.get("completeExpression")
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
    return frozenset(int(each) for each in re.split(r"[,\s]+", js_string(text or "")) if each.isdigit())


async def pages(context: ActivityContext, call: Call, wanted: Wanted, paging: Paging, i: int) -> list[Answered]:
    """The responses of all pages. Raises Failed or NodeError."""
    found: list[Answered] = []
    last: dict[str, Any] = {}
    guard = _Repeats()
    while True:
        seen = _Seen(context, i, {"$pageCount": len(found), "$request": _shown(call.request), "$response": last})
        answered = await call.with_request(await _page_request(seen, call.request, paging)).send()
        _check_status(paging, answered, i)
        found.append(answered)
        if guard.stops(answered.response.body):
            raise stopped(_IDENTICAL, _CHECK_COMPLETION, i, context.now)
        last = _response(wanted, answered, i)
        seen = _Seen(context, i, {**seen.paged, "$pageCount": len(found), "$response": last})
        if (paging.limit is not None and len(found) >= paging.limit) or await _complete(seen, paging):
            return found
        await asyncio.sleep(paging.interval)


@dataclass(frozen=True)
class _Seen:
    """Evaluates the pagination expressions of one page."""

    context: ActivityContext
    item: int
    paged: dict[str, Any]

    async def value(self, *path: str | int) -> Any:
        return await self.context.evaluate_paged((*_AT, *path), self.item, self.paged)


async def _page_request(seen: _Seen, base: Request, paging: Paging) -> Request:
    request = base.copy()
    if paging.mode == "responseContainsNextURL":
        url = await seen.value("nextURL")
        if url is UNDEFINED or (url is None and not seen.paged["$response"]):
            return request
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            message = f"'{js_string(url)}' is not a valid URL."
            raise stopped(
                message, 'Make sure the "Next URL" parameter evaluates to a valid URL.', seen.item, seen.context.now
            )
        request.url = url
        return request
    for number, entry in enumerate(paging.parameters):
        value = await seen.value("parameters", "parameters", number, "value")
        _place(request, entry.get("type") or "qs", entry["name"], value)
    return request


def _place(request: Request, kind: str, name: str, value: Any) -> None:
    if kind == "body":
        request.merge_body({name: value})
    elif kind == "headers":
        request.set_header(name, value)
    else:
        request.query = {**request.query, name: value}


def _shown(request: Request) -> dict[str, Any]:
    shown: dict[str, Any] = {"headers": request.headers, "method": request.method, "uri": request.url}
    if request.query:
        shown["qs"] = request.query
    if isinstance(request.body, Json):
        shown["body"] = request.body.value
    return shown


def _response(wanted: Wanted, answered: Answered, i: int) -> dict[str, Any]:
    response = answered.response
    is_file = resolved_format(wanted, response) == "file"
    body = {} if is_file else body_of(wanted, response, i)  # a stream in n8n: never empty, and nothing to read in it
    shown = {"headers": header_object(response.headers), "statusCode": response.status}
    return shown if body is UNDEFINED else {"body": body, **shown}


def _check_status(paging: Paging, answered: Answered, i: int) -> None:
    """Raise Failed for a status outside 2xx, whatever "Never Error" says, unless it ends the pages or nothing came with it."""
    response = answered.response
    if response.status in _SUCCESS or response.status in paging.codes or not response.body:
        return
    data = axios_data(response.body)
    text = data if isinstance(data, str) else json_stringify(data)
    shown = {
        "statusCode": response.status,
        "error": text,
        "isAxiosError": True,
        "response": {
            "headers": header_object(response.headers), "status": response.status, "statusText": response.reason,
        },
    }  # fmt: skip
    raise status_failed(response.status, f'{response.status} - "{text}"', data, i, shown)


async def _complete(seen: _Seen, paging: Paging) -> bool:
    last = seen.paged["$response"]
    if paging.complete_when == "responseIsEmpty":
        return not truthy(last.get("body", UNDEFINED)) or last["body"] == []
    if paging.complete_when == "receiveSpecificStatusCodes":
        return last["statusCode"] in paging.codes
    value = await seen.value("completeExpression")
    return truthy(value) or (value is UNDEFINED and _threw(paging.complete_expression, last))


def _threw(raw: str, last: Mapping[str, Any]) -> bool:
    """Whether an undefined result came from an error, at which n8n stops: a plain path throws when a parent is missing."""
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
        self._lengths = self._bodies = 0

    def stops(self, body: bytes) -> bool:
        """Return whether this is the fifth response of one length in a row, the last four being the same."""
        same_length = self._body is not None and len(body) == len(self._body)
        self._lengths = self._lengths + 1 if same_length else 1
        self._bodies = self._bodies + 1 if body == self._body else 0
        self._body = body
        return self._lengths >= _SAME_LENGTH and self._bodies >= _SAME_BODY
