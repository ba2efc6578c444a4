"""Who looks at a page of the console: the session in the browser's cookie stands for the API key that it was begun with.

The cookie opens nothing but the console, and the console opens with nothing else. Scopes, rates and audit are those of the key.
"""

import hmac
from typing import Any, Final

from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie, FormMultiDict
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from api.access import needs
from api.authentication import SESSION_KEY
from api.json_bodies import FORM
from api.problems import Forbidden, Unauthorized
from service.api_keys import KeyScope
from service.console_sessions import SESSION_SECONDS, Session, Sessions

__all__ = [
    "CONSOLE",
    "ConsoleSession",
    "begin_session",
    "console",
    "end_session",
    "read_form",
    "require_own_page",
    "session_of",
]

CONSOLE: Final = "console"
"""Key of a handler's `opt`: it is a page of the console."""
COOKIE: Final = "tempor8_console"
PATH: Final = "/console"
STATE: Final = "console_session"
SIGN_IN: Final = "Sign in first."
FOREIGN_FORM: Final = "The form is not of a page of this session. Load the page again."
TEXT_LIMIT: Final = 4096
"""Characters of a cookie."""
OWN: Final = ("same-origin", "none")
"""Values of Sec-Fetch-Site of requests that no other site made."""


def console(scope: KeyScope, action: str | None = None) -> dict[str, Any]:
    """Return the arguments of a page's handler, as `needs` does for a route of the API."""
    opt = needs(scope, action)["opt"]
    return {"opt": opt | {CONSOLE: True, FORM: True}}


class ConsoleSession(ASGIMiddleware):
    """Puts the key of the session into a request for a page; outside of `Authentication`, which verifies it."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Pass a request on. Raises Unauthorized: it is for a page, and has no session."""
        if scope["route_handler"].opt.get(CONSOLE):
            connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection(scope)
            session = self._sessions.open(connection.cookies.get(COOKIE, "")[:TEXT_LIMIT])
            if session is None:
                raise Unauthorized(SIGN_IN)
            scope["state"] |= {STATE: session, SESSION_KEY: session.secret}
        await next_app(scope, receive, send)


def session_of(request: Request[Any, Any, Any]) -> Session:
    """Return the session of a request for a page."""
    session: Session = request.scope["state"][STATE]
    return session


async def read_form(request: Request[Any, Any, Any]) -> FormMultiDict:
    """Return the fields of a form of one of the session's pages.

    Raises:
        Forbidden: another site made the request.
    """
    require_own_page(request)
    form = await request.form()
    token = str(form.get("csrf") or "")
    if not hmac.compare_digest(token.encode(), session_of(request).csrf.encode()):
        raise Forbidden(FOREIGN_FORM)
    return form


def require_own_page(request: Request[Any, Any, Any]) -> None:
    """Raise Forbidden for a request that a page of another site made, as far as the browser says so."""
    if request.headers.get("sec-fetch-site", "none") not in OWN:
        raise Forbidden(FOREIGN_FORM)


def begin_session(response: Response[Any], sessions: Sessions, secret: str, *, secure: bool) -> None:
    """Give the browser a session of a key that was verified."""
    _, text = sessions.begin(secret)
    response.set_cookie(
        Cookie(
            COOKIE, value=text, path=PATH, max_age=SESSION_SECONDS, httponly=True, samesite="lax", secure=secure
        )
    )  # fmt: skip


def end_session(response: Response[Any]) -> None:
    """Take the session away from the browser."""
    response.delete_cookie(COOKIE, path=PATH)
