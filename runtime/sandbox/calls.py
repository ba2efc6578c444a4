"""What code may ask of the host: `this.helpers` of a Code node, carried out through the step's capabilities."""

import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias
from urllib.parse import quote, urlencode, urljoin

from runtime.contract import HttpResponse, NodeApiError
from runtime.contract.capabilities.code import Helpers

Calls: TypeAlias = Mapping[str, Callable[..., Awaitable[Any]]]
"""By name; arguments and results are JSON, bytes are `{"$bytes": base64}`."""

OK: Final = range(200, 300)


def calls_of(helpers: Helpers) -> Calls:
    """Return the helpers by name, over the capabilities that they reach."""

    async def http_request(options: Mapping[str, Any]) -> Any:
        return await _http(helpers, options, _HttpRequestStyle())

    async def request(options: Mapping[str, Any]) -> Any:
        return await _http(helpers, options, _RequestStyle())

    async def read_binary(ref: Any) -> Any:
        return _packed(await helpers.blobs.read(ref))

    async def write_binary(data: Any, file_name: str | None = None, mime_type: str | None = None) -> Any:
        return await helpers.blobs.write(_bytes(data), mime_type=mime_type, file_name=file_name)

    return {"httpRequest": http_request, "request": request, "readBinary": read_binary, "writeBinary": write_binary}


class _HttpRequestStyle:
    """`helpers.httpRequest`: axios-like options."""

    def url(self, options: Mapping[str, Any]) -> str:
        url = options.get("url") or ""
        return urljoin(options["baseURL"], url) if options.get("baseURL") else url

    def full(self, options: Mapping[str, Any]) -> bool:
        return bool(options.get("returnFullResponse"))

    def tolerant(self, options: Mapping[str, Any]) -> bool:
        return bool(options.get("ignoreHttpStatusErrors"))

    def binary(self, options: Mapping[str, Any]) -> bool:
        return options.get("encoding") in ("arraybuffer", "blob")

    def parses_json(self, options: Mapping[str, Any], response: HttpResponse) -> bool:
        return bool(options.get("json")) or "json" in (response.header("content-type") or "")


class _RequestStyle(_HttpRequestStyle):
    """`helpers.request`: the options of the old request library."""

    def url(self, options: Mapping[str, Any]) -> str:
        return str(options.get("uri") or options.get("url") or "")

    def full(self, options: Mapping[str, Any]) -> bool:
        return bool(options.get("resolveWithFullResponse"))

    def tolerant(self, options: Mapping[str, Any]) -> bool:
        return options.get("simple") is False

    def binary(self, options: Mapping[str, Any]) -> bool:
        return "encoding" in options and options["encoding"] is None

    def parses_json(self, options: Mapping[str, Any], response: HttpResponse) -> bool:
        del response
        return bool(options.get("json"))


async def _http(helpers: Helpers, options: Mapping[str, Any], style: _HttpRequestStyle) -> dict[str, Any]:
    headers = [(str(name), str(value)) for name, value in (options.get("headers") or {}).items()]
    content = _content(options, headers)
    response = await helpers.http.request(
        str(options.get("method") or "GET").upper(),
        _with_query(style.url(options), options.get("qs")),
        headers=_authorised(headers, options.get("auth")),
        content=content,
        timeout=float(options.get("timeout") or 300_000) / 1000,
        follow_redirects=not options.get("disableFollowRedirect", options.get("followRedirect") is False),
        verify=not (options.get("skipSslCertificateValidation") or options.get("rejectUnauthorized") is False),
        wait=False,  # code has branches of its own for a status, and no attempt goes on in its middle
    )
    if response.status not in OK and not style.tolerant(options):
        raise NodeApiError(f"Request failed with status code {response.status}", http_code=str(response.status))
    body = (
        _packed(response.body) if style.binary(options) else _read(response, parse=style.parses_json(options, response))
    )
    if not style.full(options):
        return {"body": body}
    header_values = {name.lower(): value for name, value in response.headers}
    return {
        "full": {
            "body": body,
            "headers": header_values,
            "statusCode": response.status,
            "statusMessage": response.reason,
        }
    }


def _content(options: Mapping[str, Any], headers: list[tuple[str, str]]) -> bytes | None:
    """Return the body as bytes; adds the content type that it implies."""
    named = {name.lower() for name, _ in headers}

    def typed(mime: str, content: bytes) -> bytes:
        if "content-type" not in named:
            headers.append(("Content-Type", mime))
        return content

    if options.get("form") is not None:
        return typed("application/x-www-form-urlencoded", urlencode(options["form"], doseq=True).encode())
    body = options.get("body", options["json"] if isinstance(options.get("json"), dict | list) else None)
    if body is None:
        return None
    if isinstance(body, dict) and "$bytes" in body:
        return _bytes(body)
    if isinstance(body, str):
        return body.encode()
    return typed("application/json", json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode())


def _with_query(url: str, query: Mapping[str, Any] | None) -> str:
    if not query:
        return url
    pairs = [
        (f"{name}[{i}]" if isinstance(value, list) else name, each)
        for name, value in query.items()
        for i, each in enumerate(value if isinstance(value, list) else [value])
    ]
    text = "&".join(f"{quote(name, safe='[]')}={quote(_text(value), safe='')}" for name, value in pairs)
    return f"{url}{'&' if '?' in url else '?'}{text}"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _authorised(headers: list[tuple[str, str]], auth: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    if not auth:
        return headers
    user, password = auth.get("username") or auth.get("user") or "", auth.get("password") or auth.get("pass") or ""
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    return [*headers, ("Authorization", f"Basic {token}")]


def _read(response: HttpResponse, *, parse: bool) -> Any:
    text = response.body.decode("utf-8", "replace")
    if parse:
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _packed(data: bytes) -> dict[str, str]:
    return {"$bytes": base64.b64encode(data).decode()}


def _bytes(value: Any) -> bytes:
    return base64.b64decode(value["$bytes"])
