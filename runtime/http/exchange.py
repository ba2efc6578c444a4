"""One exchange: encode, send, follow redirects as follow-redirects (axios) does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from runtime.http.address import InvalidUrlError, is_same_host_or_below, join, origin
from runtime.http.request import Outgoing, Request

_REDIRECTS = range(300, 400)
_SEE_OTHER = 303
_POST_TO_GET = (301, 302)
_CONTENT = ("content-",)
_PRIVATE = ("authorization", "proxy-authorization", "cookie")


class Answer(Protocol):
    """A response, as `ActivityContext.http` gives it."""

    @property
    def status(self) -> int:
        """Return the status code."""

    @property
    def reason(self) -> str:
        """Return the reason phrase."""

    @property
    def headers(self) -> Sequence[tuple[str, str]]:
        """Return names and values in order."""

    @property
    def body(self) -> bytes:
        """Return the whole body."""


class Sender(Protocol):
    """A function that sends one request and follows no redirect."""

    async def __call__(self, outgoing: Outgoing) -> Answer:
        """Return the response, whatever its status."""


class TooManyRedirectsError(Exception):
    """Raised after more redirects than allowed."""


class UnsupportedRedirectError(Exception):
    """Raised for a redirect to something that is not HTTP. `reason` is why an address cannot be read, None for another
    scheme.
    """

    def __init__(self, message: str, reason: str | None) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Redirects:
    """How redirects are followed: at most `limit` (0: none). `keep_authorization`: the Authorization header also goes to
    another host, as n8n did before version 4.4 of its node.
    """

    limit: int = 21
    keep_authorization: bool = True
    only_get: bool = False
    """Follow for GET and HEAD only."""


async def exchange(
    send: Sender, request: Request, redirects: Redirects, sign: Callable[[Outgoing], Outgoing] | None = None
) -> tuple[Answer, str]:
    """Return the last response and the URL that gave it. `sign` signs the first request; redirects carry its signature.

    Raise what `encode` raises, and the redirect errors above.
    """
    outgoing = request.encode() if sign is None else sign(request.encode())
    followed = 0
    while True:
        answer = await send(outgoing)
        location = _location(answer)
        follows = redirects.limit and (not redirects.only_get or outgoing.method in ("GET", "HEAD"))
        if location is None or not follows:
            return answer, outgoing.url
        followed += 1
        if followed > redirects.limit:
            raise TooManyRedirectsError("Maximum number of redirects exceeded")
        outgoing = _next(outgoing, answer.status, location, redirects)


def _location(answer: Answer) -> str | None:
    if answer.status not in _REDIRECTS:
        return None
    return next((value for name, value in answer.headers if name.lower() == "location"), None)


def _next(outgoing: Outgoing, status: int, location: str, redirects: Redirects) -> Outgoing:
    try:
        url = join(outgoing.url, location)
    except InvalidUrlError as error:
        text = str(error)
        reason = None if text.startswith("Unsupported protocol") else text
        raise UnsupportedRedirectError(f"Redirected request failed: {text}", reason) from error
    dropped: tuple[str, ...] = ("host",)
    method, content = outgoing.method, outgoing.content
    if (status in _POST_TO_GET and method == "POST") or (status == _SEE_OTHER and method not in ("GET", "HEAD")):
        method, content, dropped = "GET", None, (*dropped, *_CONTENT)
    if not is_same_host_or_below(outgoing.url, url):
        dropped += _PRIVATE[1:] if redirects.keep_authorization else _PRIVATE
    elif origin(outgoing.url) != origin(url) and not redirects.keep_authorization:
        dropped += _PRIVATE[:1]
    headers = [(name, value) for name, value in outgoing.headers if not name.lower().startswith(dropped)]
    return Outgoing(method, url, headers, content)
