"""The origin of an answer: workflows on a host of their own, and the headers that every answer of the service has.

A page of a workflow is foreign code. The sandbox of its Content-Security-Policy keeps it from acting as a page of the service;
on another host (`TEMPOR8_CONTENT_URL`) the browser does, whatever the page is.
"""

from typing import Any, Final
from urllib.parse import urlsplit

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from api.authentication import PUBLIC
from api.problems import Problem
from runtime.platform.settings import Settings

__all__ = ["WORKFLOW_CONTENT", "ContentOrigin", "SecurityHeaders", "WrongHost", "netloc_of", "origin_of"]

WORKFLOW_CONTENT: Final = PUBLIC | {"workflow_content": True}
"""`opt=WORKFLOW_CONTENT` on a handler: what it answers is a workflow's."""
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}
NO_CONTENT: Final = b"default-src 'none'; frame-ancestors 'none'"
"""Policy of answers that are no pages."""


class WrongHost(Problem):
    """The service and what workflows answer are on different hosts here (TEMPOR8_CONTENT_URL), and this is the other one."""

    slug, status, title = "wrong-host", 421, "Not on this host"


def netloc_of(url: str) -> str:
    """Return host and port of a URL as a Host header has them: in lower case, without the scheme's own port."""
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2].lower().removesuffix(_DEFAULT_PORTS.get(parts.scheme, ""))


def origin_of(url: str) -> str:
    """Return the origin of a URL as browsers send it: https://html.spec.whatwg.org/multipage/browsers.html#ascii-serialisation-of-an-origin."""
    return f"{urlsplit(url).scheme}://{netloc_of(url)}"


class ContentOrigin(ASGIMiddleware):
    """Serves workflow content on its own host alone, and everything else on every other host.

    Args:
        content_url: address of the content host; None: all is on one host.
    """

    def __init__(self, content_url: str | None) -> None:
        self._url = content_url or ""
        self._host, self._suffix = netloc_of(self._url), _DEFAULT_PORTS.get(urlsplit(self._url).scheme, "")

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Pass a request on, or raise WrongHost."""
        if self._host and scope["type"] == ScopeType.HTTP:
            on_content_host = _host(scope).removesuffix(self._suffix) == self._host
            if bool(scope["route_handler"].opt.get("workflow_content")) is not on_content_host:
                raise WrongHost(
                    "The API is not on the host of workflow content."
                    if on_content_host
                    else f"Webhooks, forms and chats are at {self._url}."
                )
        await next_app(scope, receive, send)


class SecurityHeaders:
    """A hook for every message that is sent: adds what browsers should know of every answer, problems and 404s included."""

    def __init__(self, settings: Settings) -> None:
        self._every: list[tuple[bytes, bytes]] = [
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"content-security-policy", NO_CONTENT),
        ]
        if settings.hsts_seconds:
            self._every.append((b"strict-transport-security", f"max-age={settings.hsts_seconds}".encode()))

    async def __call__(self, message: Message, _scope: Scope) -> None:
        """Add those that the answer does not have."""
        if message["type"] == "http.response.start":
            headers: list[Any] = list(message.get("headers") or ())
            present = {name.lower() for name, _ in headers}
            message["headers"] = headers + [each for each in self._every if each[0] not in present]


def _host(scope: Scope) -> str:
    return next((value.decode("latin-1").lower() for name, value in scope["headers"] if name == b"host"), "")
