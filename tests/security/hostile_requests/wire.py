"""Requests as a server hands them to the application, byte by byte: a client library would correct what is wrong with them."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from litestar import Litestar

SECONDS = 60.0
"""In which an answer must come: a retry of many runs, the slowest of them, reads for up to 40."""


@dataclass(frozen=True)
class Got:
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    def is_refusal_in_words(self) -> bool:
        """Whether it is an error of the caller that says what is wrong."""
        if not 400 <= self.status < 500:
            return False
        if not self.headers.get("content-type", "").partition(";")[0].endswith("json"):
            return bool(self.body)
        document = json.loads(self.body)
        return bool(document.get("detail") or document.get("message"))


async def send(
    application: Litestar, method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b""
) -> Got:
    """Send a request whose target and headers are Latin-1 text, unchecked, and return the answer."""
    raw_path, _, query = target.partition("?")
    lines = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in (headers or {}).items()]
    if body:
        lines.append((b"content-length", str(len(body)).encode()))
    scope: dict[str, Any] = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "method": method,
        "scheme": "http", "path": unquote(raw_path), "raw_path": raw_path.encode("latin-1"),
        "query_string": query.encode("latin-1"), "root_path": "", "headers": [(b"host", b"tempor8.test"), *lines],
        "client": ("203.0.113.9", 4711), "server": ("tempor8.test", 80), "state": {},
    }  # fmt: skip
    messages: list[Any] = []
    given = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        return given.pop() if given else await asyncio.Event().wait()

    async def take(message: Any) -> None:
        messages.append(message)

    await asyncio.wait_for(application(scope, receive, take), SECONDS)  # type: ignore[arg-type]  # Litestar's own ASGI types
    start = next(each for each in messages if each["type"] == "http.response.start")
    text = b"".join(each.get("body", b"") for each in messages if each["type"] == "http.response.body")
    return Got(
        start["status"], {name.decode().lower(): value.decode("latin-1") for name, value in start["headers"]}, text
    )
