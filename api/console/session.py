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

from api.access import OPERATOR, needs, needs_operator
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
    "console_operator",
    "end_session",
    "read_form",
    "require_own_page",
    "session_in",
    "session_of",
]

CONSOLE: Final = "console"
"""Key of a handler's `opt`: it is a page of the console."""
COOKIE: Final = "tempor8_console"
PATH: Final = "/console"
STATE: Final = "console_session"
SIGN_IN: Final = "Sign in first."
FOREIGN_FORM: Final = "The form is not of a page of this session. Load the page again."
OPERATORS: Final = "This page is the operator's. Sign out, and sign in with the operator's key."
TENANTS: Final = (
    "This page is a tenant's. Sign out, and sign in with an API key of the tenant: the operator's key opens no data."
)
TEXT_LIMIT: Final = 4096
"""Characters of a cookie."""
OWN: Final = ("same-origin", "none")
"""Values of Sec-Fetch-Site of requests that no other site made."""


def console(scope: KeyScope, action: str | None = None) -> dict[str, Any]:
    """Return the arguments of a page's handler, as `needs` does for a route of the API."""
    return {"opt": needs(scope, action)["opt"] | {CONSOLE: True, FORM: True}}


def console_operator(action: str | None = None) -> dict[str, Any]:
    """Return the arguments of a handler of an operator's page, as `needs_operator` does for a route of the API."""
    return {"opt": needs_operator(action)["opt"] | {CONSOLE: True, FORM: True}}


class ConsoleSession(ASGIMiddleware):
    """Puts the key of the session into a request for a page; outside of `Authentication`, which verifies it."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Pass a request on.

        Raises:
            Unauthorized: it is for a page, and has no session.
            Forbidden: the page is the operator's and the session a tenant's, or the reverse.
        """
        opt = scope["route_handler"].opt
        if opt.get(CONSOLE):
            session = session_in(ASGIConnection(scope), self._sessions)
            if session is None:
                raise Unauthorized(SIGN_IN)
            if session.operator != bool(opt.get(OPERATOR)):
                raise Forbidden(TENANTS if session.operator else OPERATORS)
            scope["state"] |= {STATE: session, SESSION_KEY: session.secret}
        await next_app(scope, receive, send)


def session_in(connection: ASGIConnection[Any, Any, Any, Any], sessions: Sessions) -> Session | None:
    """Return the session of a browser; None: it has none."""
    return sessions.open(connection.cookies.get(COOKIE, "")[:TEXT_LIMIT])


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


def begin_session(
    response: Response[Any], sessions: Sessions, secret: str, *, secure: bool, operator: bool = False
) -> None:
    """Give the browser a session of a key that was verified."""
    _, text = sessions.begin(secret, operator=operator)
    response.set_cookie(
        Cookie(
            COOKIE, value=text, path=PATH, max_age=SESSION_SECONDS, httponly=True, samesite="lax", secure=secure
        )
    )  # fmt: skip


def end_session(response: Response[Any]) -> None:
    """Take the session away from the browser."""
    response.delete_cookie(COOKIE, path=PATH)
