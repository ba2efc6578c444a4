"""The web of the fresh cases of HTTP Request: what it answers follows from the request alone, so n8n and we get the same."""

import base64
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from runtime.contract import HttpResponse, NodeApiError
from runtime.http import connection_failure
from tests.conformance.wire_world import WireCapabilities, record, response

__all__ = ["BASE", "CLOSED", "OTHER_HOST", "PORT", "RequestHandler", "WebCapabilities", "answer", "serve"]

PORT: Final = 18431
"""Fixed: it stands in the URLs of the cases."""
BASE: Final = f"http://127.0.0.1:{PORT}"
OTHER_HOST: Final = f"http://localhost:{PORT}"
"""The same web under another name."""
CLOSED: Final = "127.0.0.1:9"
"""Where nobody listens."""
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
    "null": {"json": None},
    "emptylist": {"json": []},
    "emptyobject": {"json": {}},
    "texts": {"json": {"messages": ["one", "two"], "error": None}},
    "flag": {"json": {"error": True, "message": "", "detail": 0}},
    "lists": {"json": {"errors": {"name": ["is bad", "is short"], "age": ["is odd"]}}},
    "fault": {"json": {"fault": {"faultstring": "f", "detail": {"errorcode": "x"}}, "error_description": "at length"}},
    "string": {"json": "only text"},
    "xml": {"text": "<error><message>no</message></error>", "headers": {"content-type": "text/xml"}},
    "png": {"base64": PICTURE, "headers": {"content-type": "image/png"}},
    "latin": {"base64": "Y2Fm6Q==", "headers": {"content-type": "text/plain; charset=iso-8859-1"}},
    "long": {"json": {"message": "m" * 300, "error": {"code": 400, "status": "BAD"}}},
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
    "lists": {"json": [[1, 2], [{"a": 1}]]},
    "proto": {"text": '{"__proto__": {"x": 1}, "constructor": 2, "a": 1, "a": 2}', "headers": _JSON},
    "space": {"text": "  \n", "headers": {"content-type": "text/plain"}},
    "spacejson": {"text": "  ", "headers": _JSON},
    "emptyjson": {"text": "", "headers": _JSON},
    "svg": _file("PHN2Zy8+", "image/svg+xml"),
    "mp3": _file(PICTURE, "audio/mpeg"),
    "events": {"text": "data: 1\n\n", "headers": {"content-type": "text/event-stream"}},
    "upper": {"text": '{"u": 1}', "headers": {"content-type": "Application/JSON"}},
    "utf16": _file("ewAiAGEAIgA6ADEAfQA=", "application/json; charset=utf-16le"),
    "quoted": _file("YQ==", "text/plain", 'inline; filename="a; b.txt"'),
    "unnamed": _file("YQ==", "application/zip", "attachment"),
    "odd-name": _file("YQ==", "application/octet-stream", 'attachment; filename="../up/a%20b.tar.gz"'),
    "numbers": {"text": '{"a": 1e400, "b": 0.1, "c": 1E2, "d": -0}', "headers": _JSON},
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
    if kind == "slow":
        delay, _, _ = rest.partition("/")
        return {"json": {"slow": delay}, "delayMs": int(delay)}
    if kind == "redirect":
        code, _, target = rest.partition("/")
        if "to" in query:
            return _elsewhere(case, int(code), query["to"])
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


def _elsewhere(case: str, code: int, to: str) -> dict[str, Any]:
    """Return a redirect to another host, to a path beside this one, to nowhere or to what is no address."""
    targets = {
        "other": f"{OTHER_HOST}/{case}/echo",
        "relative": "../../body/list",
        "ftp": f"ftp://{CLOSED}/x",
        "broken": "http://",
        "query": "?a=1",
    }
    headers = {"location": targets[to]} if to in targets else {}
    return {"status": code, "json": {"moved": True}, "headers": headers}


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
        asked = options.get("proxy") or url
        if urlsplit(asked).netloc == CLOSED:
            raise _refused("ECONNREFUSED", f"connect ECONNREFUSED {CLOSED}")
        self.requests.append(record(method, url, options.get("headers") or (), content))
        told, limit = answer(method, url, content), options.get("timeout", 300.0) * 1000
        if told.get("delayMs", 0) > limit:
            raise _refused("ECONNABORTED", f"timeout of {limit:g}ms exceeded")
        return response(method, url, told)


def _refused(code: str, raw: str) -> NodeApiError:
    failure = connection_failure(code, raw)
    return NodeApiError(failure.message, http_code=failure.http_code, data={"messages": failure.messages})


class RequestHandler(BaseHTTPRequestHandler):
    """Answers what arrives: a request in the shape of `requests` of a case."""

    protocol_version = "HTTP/1.1"
    timeout = 10
    """Seconds for a body: n8n announces some that it never sends."""

    def _do(self) -> None:
        whole = self.path.startswith(("http://", "https://"))  # as a proxy is asked
        url = self.path if whole else f"http://{self.headers.get('host', '')}{self.path}"
        try:
            content = self._content()
        except TimeoutError:
            self.incomplete(url)
            raise
        headers = [(name, value.strip()) for name, value in self.headers.items()]
        canned = self.answer(record(self.command, url, headers, content), url, content)
        time.sleep(canned.get("delayMs", 0) / 1000)
        told = response(self.command, url, canned)
        self.send_response_only(told.status, told.reason)
        for name, value in told.headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(bytes(told.body))
        self.close_connection = True

    def answer(self, request: dict[str, Any], url: str, content: bytes | None) -> dict[str, Any]:
        """Return the answer to a request to `url`, in the shape of `responses` of a case."""
        raise NotImplementedError

    def incomplete(self, url: str) -> None:
        """Take note of a request whose body never comes."""

    def _content(self) -> bytes:
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        chunks = []
        while size := int(self.rfile.readline().strip() or b"0", 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        return b"".join(chunks)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_PURGE = _do  # noqa: N815 - the names of the base class
    do_PROPFIND = do_COPY = do_MOVE = do_MKCOL = _do  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class _Handler(RequestHandler):
    requests: list[dict[str, Any]]

    def answer(self, request: dict[str, Any], url: str, content: bytes | None) -> dict[str, Any]:
        self.requests.append(request)
        return answer(request["method"], url, content)

    def incomplete(self, url: str) -> None:
        self.requests.append({"url": url, "incomplete": True})


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
