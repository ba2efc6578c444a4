"""The web of the fresh cases of HTTP Request: what it answers follows from the request alone, so n8n and we get the same."""

import base64
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from runtime.contract import HttpResponse, NodeApiError
from runtime.http import connection_failure
from tests.conformance.wire_world import WireCapabilities, record, response

__all__ = ["BASE", "PORT", "WebCapabilities", "answer", "serve"]

PORT: Final = 18431
"""Fixed: it stands in the URLs of the cases."""
BASE: Final = f"http://127.0.0.1:{PORT}"
PICTURE: Final = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(24))).decode()
_JSON: Final = {"content-type": "application/json"}
ERRORS: Final[Mapping[str, dict[str, Any]]] = {
    "message": {"json": {"message": "it went wrong", "code": 7}},
    "error": {"json": {"error": "bad thing"}},
    "nested": {"json": {"error": {"message": "deep message", "code": "E1", "errors": [{"reason": "r"}]}}},
    "errors": {"json": {"errors": [{"message": "first"}, {"message": "second"}]}},
    "detail": {"json": {"detail": "the detail", "title": "T"}},
    "list": {"json": [{"message": "in a list"}]},
    "text": {"text": "plain failure", "headers": {"content-type": "text/plain"}},
    "html": {"text": "<html><body>no</body></html>", "headers": {"content-type": "text/html"}},
    "empty": {"text": ""},
    "description": {"json": {"description": "described", "reason": "why"}},
    "number": {"json": {"message": 5, "status": "x"}},
    "notjson": {"text": "{oops", "headers": _JSON},
    "object": {"json": {"message": {"a": 1}, "err": "e"}},
}
"""Bodies of answers with a status that means a failure."""


def _file(data: str, type_: str, disposition: str | None = None) -> dict[str, Any]:
    named = {} if disposition is None else {"content-disposition": disposition}
    return {"base64": data, "headers": {"content-type": type_, **named}}


BODIES: Final[Mapping[str, dict[str, Any]]] = {
    "list": {"json": [{"id": 1, "t": "a"}, {"id": 2, "t": None}]},
    "scalars": {"json": [1, "two", None]},
    "emptylist": {"json": []},
    "number": {"json": 5},
    "string": {"json": "text"},
    "null": {"json": None},
    "true": {"json": True},
    "nothing": {"text": ""},
    "text": {"text": "some text é", "headers": {"content-type": "text/plain; charset=utf-8"}},
    "html": {"text": "<p>hi</p>", "headers": {"content-type": "text/html"}},
    "xml": {"text": "<a><b>1</b></a>", "headers": {"content-type": "application/xml"}},
    "csv": _file("YSxiCjEsMgo=", "text/csv", 'attachment; filename="data.csv"'),
    "png": _file(PICTURE, "image/png"),
    "pdf": _file(PICTURE, "application/pdf"),
    "file": _file(PICTURE, "application/octet-stream", "attachment; filename*=UTF-8''na%C3%AFve.bin"),
    "notype": {"text": "who knows"},
    "jsontext": {"text": '{"a": [1, 2]}', "headers": {"content-type": "text/plain"}},
    "badjson": {"text": "{bad", "headers": _JSON},
    "vendorjson": {"text": '{"v": 1}', "headers": {"content-type": "application/vnd.api+json"}},
    "latin": _file("Y2Fm6Q==", "text/plain; charset=iso-8859-1"),
    "cookies": {"json": {"c": 1}, "headers": {"set-cookie": ["a=1; Path=/", "b=2"], "x-odd": "Ã"}},
    "data": {"json": {"data": [{"id": 3}], "meta": {"next": None}}},
    "deep": {"json": {"a": {"b": [{"c": 1.5}, {"c": -0.0}]}, "big": 12345678901234567890}},
    "bom": {"text": '\ufeff{"a": 1}', "headers": _JSON},
    "ndjson": {"text": '{"a":1}\n{"a":2}\n', "headers": {"content-type": "application/x-ndjson"}},
}


def answer(method: str, url: str, content: bytes | None) -> dict[str, Any]:
    """Return the canned answer to a request: {"status"?, "json" | "text" | "base64", "headers"?}.

    The first part of the path is the name of the case.
    """
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    case, _, path = parts.path.lstrip("/").partition("/")
    kind, _, rest = path.partition("/")
    if kind == "status":
        code, _, shape = rest.partition("/")
        return {"status": int(code), **ERRORS.get(shape, ERRORS["message"])}
    if kind == "redirect":
        code, _, target = rest.partition("/")
        steps = int(query.get("steps", "1"))
        location = f"/{case}/redirect/{code}/{target}?steps={steps - 1}" if steps > 1 else f"/{case}/{target}"
        return {"status": int(code), "text": "moved", "headers": {"location": location, "content-type": "text/plain"}}
    if kind == "pages":
        return _page(case, query)
    if kind == "body":
        return BODIES.get(rest, {"json": {"ok": True}})
    if kind == "echo":
        return {"json": {"method": method, "path": path, "query": query, "bytes": len(content or b"")}}
    return {"status": 404, "json": {"message": f"no {path}"}}


def _page(case: str, query: Mapping[str, str]) -> dict[str, Any]:
    """Return one of three pages; the first has no number. `next` is the address of the following one."""
    number = (
        min(int(query["page"]), 4) if query.get("page", "").isdigit() else 1
    )  # all further ones are like the fourth
    following = f"{BASE}/{case}/pages?page={number + 1}" if number < 3 else None
    items = [{"id": number * 10 + i} for i in range(2)] if number <= 3 else []
    headers = {"link": f'<{following}>; rel="next"'} if following else {}
    if query.get("fail") == str(number):
        return {"status": 500, "json": {"message": f"page {number} fails"}}
    return {"json": {"items": items, "next": following, "page": number, "done": number >= 3}, "headers": headers}


class WebCapabilities(WireCapabilities):
    """Our side of the web: no sockets, the same answers."""

    async def request(self, method: str, url: str, **options: Any) -> HttpResponse:
        """Return the answer of the web, and write the request down."""
        content = options.get("content")
        if content is not None and not isinstance(content, bytes):
            content = b"".join([chunk async for chunk in content])
        if not url.startswith(f"{BASE}/"):
            failure = connection_failure("ECONNREFUSED", f"connect ECONNREFUSED {urlsplit(url).netloc}")
            messages = {"messages": failure.messages}
            raise NodeApiError(failure.message, http_code=failure.http_code, data=messages)
        self.requests.append(record(method, url, options.get("headers") or (), content))
        return response(method, url, answer(method, url, content))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    requests: list[dict[str, Any]]

    def _do(self) -> None:
        url = f"http://{self.headers.get('host', '')}{self.path}"
        content = self._content()
        self.requests.append(record(self.command, url, self.headers.items(), content))
        told = response(self.command, url, answer(self.command, url, content))
        self.send_response_only(told.status, told.reason)
        for name, value in told.headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(bytes(told.body))
        self.close_connection = True

    def _content(self) -> bytes:
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        chunks = []
        while size := int(self.rfile.readline().strip() or b"0", 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        return b"".join(chunks)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _do  # noqa: N815 - the names of the base class

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def serve() -> Iterator[list[dict[str, Any]]]:
    """Serve the web on `PORT` and yield the list of the requests that arrive."""
    requests: list[dict[str, Any]] = []
    handler = type("Handler", (_Handler,), {"requests": requests})
    server = ThreadingHTTPServer(("127.0.0.1", PORT), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield requests
    finally:
        server.shutdown()
        server.server_close()
