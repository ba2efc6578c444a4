"""One request of the HTTP Request Tool, and what the model reads of its response. For activities."""

import json
import secrets
from collections.abc import Mapping
from typing import Any

from runtime.agents.tools import http_placeholders as holes
from runtime.agents.tools.http_answer import optimised, pretty
from runtime.contract import ActivityContext, MissingCredential, NodeError
from runtime.http import Json, Request
from runtime.http.address import InvalidUrlError
from runtime.http.answer import axios_data, content_type
from runtime.http.credentials import Credential, CredentialError
from runtime.http.exchange import Answer, Redirects
from runtime.http.fetch import Wire, fetch
from runtime.http.request import Outgoing
from runtime.values.javascript import js_string

MISFIT = "Input provided by model is not valid"


async def answer_of(context: ActivityContext, node: Any, arguments: Mapping[str, Any]) -> str:
    """Return what the model reads: of the response, or why there is none. `node` is the ToolHttpRequest.

    Raise MissingCredential.
    """
    given = _in_one_text(node, arguments) if context.version < 1.1 else arguments
    if given is None:
        return MISFIT
    try:
        request = _request(node, given)
    except ValueError:
        return MISFIT
    try:
        return await _read(context, node, request)
    except MissingCredential:
        raise
    except NodeError as error:
        return f'There was an error: "{error.message}"'


def _in_one_text(node: Any, arguments: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the arguments in version 1's text; a text that is no JSON is the one argument, if there is one only."""
    wanted, text = {each.name: each for each in node.arguments()}, str(arguments.get("input") or "")
    try:
        parsed = json.loads(text or "{}")
    except ValueError:
        parsed = None
    if isinstance(parsed, dict):
        complete = all(parsed.get(each.name) is not None for each in wanted.values() if each.required)
        return parsed if complete else None
    return {next(iter(wanted)): text} if len(wanted) == 1 else None


def _request(node: Any, arguments: Mapping[str, Any]) -> Request:
    """Return the request. Raise ValueError when JSON is not valid once its placeholders are filled in."""
    request = Request(str(node.method), holes.filled(js_string(node.url), arguments))
    if node.send_query:
        request.query = _part(node.specify_query, node.parameters_query, node.json_query, "query", arguments)
    if node.send_headers:
        request.headers = _part(node.specify_headers, node.parameters_headers, node.json_headers, "headers", arguments)
    if node.send_body:
        request.body = Json(_part(node.specify_body, node.parameters_body, node.json_body, "body", arguments))
    return request


def _part(how: str, pairs: Any, text: Any, part: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the query, the headers or the body. Raise ValueError for JSON that is no object."""
    if how == "model":
        return dict(arguments.get(holes.WHOLE[part][0]) or {})
    if how != "json":
        return holes.pairs(holes.rows(pairs), arguments)
    value = text if not isinstance(text, str) else json.loads(holes.filled(text, arguments))
    if not isinstance(value, dict):
        raise ValueError(f"the {part} is no object")
    return value


async def _read(context: ActivityContext, node: Any, request: Request) -> str:
    answer = await _send(context, node, request)
    body = axios_data(answer.body, content_type(answer.headers)[1])
    shown = body if isinstance(body, str) else pretty(body)
    if not 200 <= answer.status < 300:
        problem = f'HTTP {answer.status} There was an error: "Request failed with status code {answer.status}"'
        return f"{problem}\nResponse body: {shown}"
    return await optimised(context, node, body) if node.optimize_response else shown


async def _send(context: ActivityContext, node: Any, request: Request) -> Answer:
    credential = None
    if type_ := node.credential_type():
        credential = Credential(type_, dict(await context.credentials.get(type_, restricted=True)))

    async def send(outgoing: Outgoing) -> Answer:
        return await context.http.request(
            outgoing.method, outgoing.url, headers=outgoing.headers, content=outgoing.content, follow_redirects=False,
            bare=outgoing.bare,
        )  # fmt: skip

    wire = Wire(send, lambda: secrets.token_hex(16), context.now)
    try:
        answer, _ = await fetch(wire, request, credential, Redirects(keep_authorization=False))
    except InvalidUrlError as error:
        raise NodeError("Invalid URL", description=str(error)) from error
    except CredentialError as error:
        raise NodeError(str(error), description=error.description) from error
    return answer
