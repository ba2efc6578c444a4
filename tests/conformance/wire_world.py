"""The world of a wire case: canned answers in the order of the requests, credentials and files from the case."""

import asyncio
import base64
import hashlib
import http
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from runtime.contract import HttpResponse, MissingCredential, NodeApiError
from runtime.contract.capabilities import AskForToken
from runtime.contract.errors import NO_CREDENTIALS
from runtime.hosts.local.offline import OfflineCapabilities
from runtime.http import connection_failure
from runtime.http.oauth2_types import with_defaults
from schemas.item import BinaryRef

DROPPED = {"accept-encoding", "connection", "content-length", "host", "user-agent", "idempotency-key", "traceparent"}


class WireCapabilities(OfflineCapabilities):
    """Answers requests from the case and writes them down in its shape."""

    def __init__(self, case: Mapping[str, Any]) -> None:
        super().__init__(http=self, credentials=self)
        self._case = case
        self._answers = list(case.get("responses") or [])
        self.requests: list[dict[str, Any]] = []

    async def request(self, method: str, url: str, **options: Any) -> HttpResponse:
        """The next canned answer. One that is slower than the time-out of the request is a time-out."""
        content = options.get("content")
        if content is not None and not isinstance(content, bytes):
            content = b"".join([chunk async for chunk in content])
        self.requests.append(record(method, url, options.get("headers") or (), content))
        place = len(self.requests) - 1
        await asyncio.sleep(0)  # as over a network, requests that are ready go out before the first answer is there
        answer = self._answers[place] if place < len(self._answers) else {"json": {}}
        timeout = options.get("timeout", 300.0) * 1000
        if answer.get("delayMs", 0) > timeout:
            told = connection_failure("ECONNABORTED", f"timeout of {timeout:g}ms exceeded")
            raise NodeApiError(told.message, http_code=told.http_code, data={"messages": told.messages})
        return response(method, url, answer)

    async def get(self, type_: str, item: int = 0, *, restricted: bool = False) -> Mapping[str, Any]:
        """From the case; a placeholder for a private key becomes a real one."""
        del item, restricted
        found = (self._case.get("credentials") or {}).get(type_)
        if found is None:
            named = self._case.get("credentials")
            raise MissingCredential(f'{NO_CREDENTIALS} for "{type_}"' if named else NO_CREDENTIALS)
        data = {key: _private_key() if value == "FAKE_RSA_KEY" else value for key, value in found.items()}
        return with_defaults(type_, data)

    async def renew(self, type_: str, data: Mapping[str, Any], ask: AskForToken) -> dict[str, Any]:
        """What the case answers, kept by nobody."""
        del type_
        return await ask(data)

    async def token(self, key: str, ask: Callable[[], Awaitable[tuple[str, float]]]) -> str:
        """What the case answers, asked for every time."""
        del key
        return (await ask())[0]


@cache
def _private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem.decode()


def response(method: str, url: str, answer: Mapping[str, Any]) -> HttpResponse:
    """A canned answer as a response, with the headers that the recorder's server added."""
    status = answer.get("status", 200)
    body = _body(answer)
    headers = [
        (name, each)
        for name, value in (answer.get("headers") or {}).items()
        for each in (value if isinstance(value, list) else [value])
    ]
    names = {name.lower() for name, _ in headers}
    if "json" in answer and "content-type" not in names:
        headers.append(("content-type", "application/json; charset=utf-8"))
    if status not in (204, 304):
        headers.append(("content-length", str(len(body))))
    headers.append(("connection", "close"))
    if method == "HEAD" or status in (204, 304):
        body = b""
    return HttpResponse(
        status, http.HTTPStatus(status).phrase if status in set(http.HTTPStatus) else "", headers, body, url
    )


def _body(answer: Mapping[str, Any]) -> bytes:
    if "base64" in answer:
        return base64.b64decode(answer["base64"])
    if "text" in answer:
        return str(answer["text"]).encode()
    return json.dumps(answer.get("json"), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def record(method: str, url: str, headers: Any, content: bytes | None) -> dict[str, Any]:
    """A request in the shape of `requests` of a case."""
    shown: dict[str, str] = {}
    for name, value in headers:
        if name.lower() not in DROPPED:
            before = f"{shown[name.lower()]}, " if name.lower() in shown else ""
            shown[name.lower()] = before + _normal(value)
    parts = urlsplit(url)
    recorded: dict[str, Any] = {
        "method": method,
        "url": f"{parts.scheme}://{parts.netloc}{parts.path}",
        "query": _grouped(parse_qsl(parts.query, keep_blank_values=True)),
        "headers": shown,
    }
    if parts.query:
        recorded["rawQuery"] = parts.query
    if content:
        recorded["body"] = _typed(content, shown)
    return recorded


def _normal(value: str) -> str:
    value = re.sub(r"boundary=\S+", "boundary=*", value)
    value = re.sub(r'(oauth_(?:nonce|signature|timestamp))="[^"]*"', r'\1="*"', value)
    return re.sub(r"Signature=[0-9a-f]{64}", "Signature=*", value)


def _grouped(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, value in pairs:
        out[name] = [*([out[name]] if isinstance(out[name], str) else out[name]), value] if name in out else value
    return out


def _typed(content: bytes, headers: dict[str, str]) -> dict[str, Any]:
    declared = headers.get("content-type", "")
    media = declared.split(";")[0].strip().lower()
    if media.startswith("multipart/"):
        return {"type": media, "parts": [_part(part) for part in _split(content)]}
    if media == "application/x-www-form-urlencoded":
        return _form(content.decode())
    if "json" in media and "ndjson" not in media:
        try:
            return {"type": "json", "json": json.loads(content)}
        except ValueError:
            pass
    return {"type": "raw", **_text_or_digest(content)}


def _form(text: str) -> dict[str, Any]:
    fields = _grouped(parse_qsl(text, keep_blank_values=True))
    tokens = {name: _jwt(value) for name, value in fields.items() if isinstance(value, str) and value.count(".") == 2}
    tokens = {name: value for name, value in tokens.items() if value is not None}
    return {"type": "form", "form": fields | tokens} | ({} if tokens else {"raw": text})


def _jwt(value: str) -> dict[str, Any] | None:
    try:
        header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in value.split(".")[:2])
    except ValueError:
        return None
    return {"jwt_header": header, "jwt_claims": claims}


def _split(content: bytes) -> list[bytes]:
    boundary = content.split(b"\r\n", 1)[0]
    return [part.removeprefix(b"\r\n").removesuffix(b"\r\n") for part in content.split(boundary)[1:-1]]


def _part(part: bytes) -> dict[str, Any]:
    head, _, content = part.partition(b"\r\n\r\n")
    headers = {}
    for line in head.decode().split("\r\n"):
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    disposition = headers.get("content-disposition", "")
    shown: dict[str, Any] = {"headers": headers}
    for key in ("name", "filename"):
        found = re.search(rf'(?<!file){key}="([^"]*)"' if key == "name" else rf'{key}="([^"]*)"', disposition)
        if found:
            shown[key] = unquote(found[1])
    if headers.get("content-type", "").startswith("application/json"):
        return shown | {"json": json.loads(content)}
    return shown | _text_or_digest(content)


def _text_or_digest(content: bytes) -> dict[str, Any]:
    try:
        return {"text": content.decode()}
    except UnicodeDecodeError:
        return {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()[:16]}


def show_binary(ref: BinaryRef) -> dict[str, Any]:
    """A binary of an item in the shape of `output`: text, or size and digest, in place of its data."""
    content = base64.b64decode(ref.get("data", ""))
    return {key: value for key, value in ref.items() if key != "data"} | _text_or_digest(content)
