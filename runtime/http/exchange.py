"""One exchange: encode, send, follow redirects as follow-redirects (axios) does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
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
    """How redirects are followed: at most `limit` (0: none). `keep_authorization`: an Authorization header that the author
    wrote also goes to another host, as n8n did before version 4.4 of its node. What a credential added never does.
    """

    limit: int = 21
    keep_authorization: bool = True
    only_get: bool = False
    """Follow for GET and HEAD only."""
    keep_credential: bool = False
    """Author's wish: a credential goes on to another origin, as far as its hosts allow."""

    def follow(self, method: str) -> bool:
        """Return whether redirects of requests with this method are followed."""
        return self.limit > 0 and (not self.only_get or method in ("GET", "HEAD"))


async def exchange(
    send: Sender, request: Request, redirects: Redirects, carry: Callable[[Request], Outgoing] | None = None
) -> tuple[Answer, str]:
    """Return the last response and the URL that gave it.

    `carry` encodes the request with a credential. A redirect to another origin carries nothing of it, in no version, unless
    the author asked for that: what goes there is made from the request as it is without the credential, and it stays so when a
    later redirect leads back.
    n8n keeps headers, queries and bodies of credentials (docs/differences-from-n8n.md).

    Raise what `encode` and `carry` raise, and the redirect errors above.
    """
    outgoing = request.encode() if carry is None else carry(request)
    followed = 0
    while True:
        answer = await send(outgoing)
        location = _location(answer)
        if location is None or not redirects.follow(outgoing.method):
            return answer, outgoing.url
        followed += 1
        if followed > redirects.limit:
            raise TooManyRedirectsError("Maximum number of redirects exceeded")
        url = _target(outgoing, location)
        if not (outgoing.bare or redirects.keep_credential or is_same_server(outgoing.url, url)):
            # also without `carry`: the client's certificate is a credential, too
            outgoing = replace(outgoing, bare=True) if carry is None else _without_credential(outgoing, request)
        outgoing = _next(outgoing, answer.status, url, redirects)


def _location(answer: Answer) -> str | None:
    if answer.status not in _REDIRECTS:
        return None
    return next((value for name, value in answer.headers if name.lower() == "location"), None)


def _target(outgoing: Outgoing, location: str) -> str:
    try:
        return join(outgoing.url, location)
    except InvalidUrlError as error:
        text = str(error)
        reason = None if text.startswith("Unsupported protocol") else text
        raise UnsupportedRedirectError(f"Redirected request failed: {text}", reason) from error


def is_same_server(url: str, other: str) -> bool:
    """Return whether a credential goes on by a redirect: to the same origin, or from a host's port 80 to its port 443 with TLS."""
    first, second = origin(url), origin(other)
    has_port = ":" in first[1].rpartition("]")[2]
    return first == second or (first == ("http", second[1]) and second[0] == "https" and not has_port)


def _without_credential(outgoing: Outgoing, request: Request) -> Outgoing:
    """Return the request that is under way as it is without its credential: a body that a redirect took away stays away."""
    plain = request.encode()
    if outgoing.content is not None or plain.content is None:
        return replace(plain, method=outgoing.method, url=outgoing.url, bare=True)
    headers = [(name, value) for name, value in plain.headers if not name.lower().startswith(_CONTENT)]
    return Outgoing(outgoing.method, outgoing.url, headers, None, bare=True)


def _next(outgoing: Outgoing, status: int, url: str, redirects: Redirects) -> Outgoing:
    dropped: tuple[str, ...] = ("host",)
    method, content = outgoing.method, outgoing.content
    if (status in _POST_TO_GET and method == "POST") or (status == _SEE_OTHER and method not in ("GET", "HEAD")):
        method, content, dropped = "GET", None, (*dropped, *_CONTENT)
    if not is_same_host_or_below(outgoing.url, url):
        dropped += _PRIVATE[1:] if redirects.keep_authorization else _PRIVATE
    elif origin(outgoing.url) != origin(url) and not redirects.keep_authorization:
        dropped += _PRIVATE[:1]
    headers = [(name, value) for name, value in outgoing.headers if not name.lower().startswith(dropped)]
    return Outgoing(method, url, headers, content, outgoing.bare)
