"""A request to the vendor of a sub-node (embeddings, vector store, reranker): signed, sent, its JSON read."""

from collections.abc import Mapping
from typing import Any

import orjson

from runtime.agents.dialects.chat import refusal
from runtime.contract import ActivityContext, HttpResponse


async def send(
    context: ActivityContext,
    method: str,
    url: str,
    *,
    body: Any = None,
    query: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    signed_by: str | None = None,
    accept: tuple[int, ...] = (),
    timeout: float = 60.0,
) -> Any:
    """Return the JSON of the response (None: it has none).

    Args:
        context: of the activity.
        method: in capitals.
        url: absolute.
        body: JSON; None: no body.
        query: parameters of the URL.
        headers: beside those that JSON needs.
        signed_by: type of the credential that signs by its rule; None: what signs is in `headers`.
        accept: statuses from 400 on that are an answer, too.
        timeout: seconds.

    Raises:
        NodeApiError: there is no response, or its status is 400 or more; `retryable` in its data says that a later attempt
            may succeed.
    """
    from runtime.http import Json, Request  # noqa: PLC0415 - files and clocks are for activities
    from runtime.http.credentials import Credential, apply  # noqa: PLC0415 - likewise

    request = Request(method, url, query=dict(query or {}), headers={"Accept": "application/json", **(headers or {})})
    if body is not None:
        request.body = Json(body)
    if signed_by is not None:
        apply(request, Credential(signed_by, dict(await context.credentials.get(signed_by))))
    outgoing = request.encode()
    response = await context.http.request(
        outgoing.method, outgoing.url, headers=outgoing.headers, content=outgoing.content, timeout=timeout
    )
    if response.status >= 400 and response.status not in accept:
        raise refusal(response.status, _message(response), response.header("retry-after"))
    return _json(response)


def _json(response: HttpResponse) -> Any:
    try:
        return orjson.loads(response.body) if response.body else None
    except orjson.JSONDecodeError:
        return None


def _message(response: HttpResponse) -> str | None:
    """Return what the vendor says is wrong, wherever it says it."""
    value = _json(response)
    if value is None:
        return response.body.decode("utf-8", "replace")[:500] or None
    for name in ("error", "status", "detail"):
        if isinstance(value, dict) and isinstance(value.get(name), dict | str):
            value = value[name]
            break
    found = (
        next((value[name] for name in ("message", "error") if value.get(name)), None)
        if isinstance(value, dict)
        else value
    )
    return str(found) if found else None
