"""Sign-in at an identity provider by OpenID Connect: the authorization code grant with PKCE, and its token as the session's key."""

import hmac
from typing import Annotated, Any, Final

from litestar import Controller, Request, Response, get
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from litestar.response import Redirect

from api.authentication import PUBLIC, Principal, Verifier
from api.console.pages import public_page
from api.console.problems import PAGE_HANDLERS
from api.console.session import begin_session
from api.console.sign_in import HOME, SESSION_KEY, TOO_LONG, audit_sign_in, inside, is_secure
from api.dependencies import Dependencies
from api.problems import NotFound, Unauthorized
from api.rates import Rates
from runtime.platform.oidc import OidcError, OidcProvider
from service.account_links import challenge_of
from service.console_sessions import SIGN_IN_SECONDS

__all__ = ["OidcController"]

COOKIE: Final = "tempor8_sign_in"
PATH: Final = "/console/oidc"
NOT_CONFIGURED: Final = "There is no identity provider: TEMPOR8_OIDC_CLIENT_ID is not set."
BROKEN: Final = "The sign-in took too long, or began in another browser. Begin it once more."
NO_ACCESS: Final = "You are known to the identity provider, and its token opens nothing here: it lacks the tenant or is for another service."
Text = Annotated[str, QueryParameter(max_length=4096)]


class OidcController(Controller):
    """The way to the provider, and back."""

    path = PATH
    opt = PUBLIC
    include_in_schema = False
    exception_handlers = PAGE_HANDLERS

    @get("/")
    async def begin(
        self,
        request: Request[Any, Any, Any],
        dependencies: NamedDependency[Dependencies],
        provider: NamedDependency[OidcProvider | None],
        next_: Annotated[str, QueryParameter(name="next", max_length=2000)] = "",
    ) -> Response[Any]:
        """Lead to the provider. Raises NotFound: none is configured."""
        provider = _configured(provider)
        sign_in, text = dependencies.sessions.begin_sign_in(inside(next_))
        try:
            to = await provider.authorization_url(
                _redirect(request, dependencies), sign_in.state, challenge_of(sign_in.verifier)
            )
        except OidcError as error:
            return _again(provider, str(error), 503)
        response = Redirect(to, status_code=303)
        response.set_cookie(
            Cookie(
                COOKIE, value=text, path=PATH, max_age=SIGN_IN_SECONDS, httponly=True, samesite="lax",
                secure=is_secure(request, dependencies),
            )
        )  # fmt: skip
        return response

    @get("/callback")
    async def finish(
        self,
        request: Request[Any, Any, Any],
        dependencies: NamedDependency[Dependencies],
        provider: NamedDependency[OidcProvider | None],
        verifier: NamedDependency[Verifier],
        rates: NamedDependency[Rates],
        code: Text = "",
        own_state: Annotated[str, QueryParameter(name="state", max_length=4096)] = "",
    ) -> Response[Any]:
        """Take the code that the provider sent the browser back with, and begin a session with its token."""
        provider = _configured(provider)
        address = request.client.host if request.client else ""
        rates.look_ups.require(address, "oidc")
        sign_in = dependencies.sessions.open_sign_in(request.cookies.get(COOKIE, "")[:4096])
        if sign_in is None or not code or not hmac.compare_digest(sign_in.state.encode(), own_state.encode()):
            rates.look_ups.missed(address)
            return _again(provider, BROKEN, 400)
        try:
            tokens = await provider.exchange(code, _redirect(request, dependencies), sign_in.verifier)
        except OidcError as error:
            return _again(provider, str(error), 503)
        verified = await _verified(tokens, verifier)
        if verified is None:
            return _again(provider, NO_ACCESS, 403)
        principal, token = verified
        if len(token) > SESSION_KEY:
            return _again(provider, TOO_LONG, 400)
        response = Redirect(sign_in.to or HOME, status_code=303)
        begin_session(response, dependencies.sessions, token, secure=is_secure(request, dependencies))
        response.delete_cookie(COOKIE, path=PATH)
        await audit_sign_in(dependencies, principal, address)
        return response


async def _verified(tokens: list[str], verifier: Verifier) -> tuple[Principal, str] | None:
    """Return the first token that opens something, and whom it is of; None: none does."""
    for token in tokens:
        try:
            return await verifier.verify(token), token
        except Unauthorized:
            continue
    return None


def _configured(provider: OidcProvider | None) -> OidcProvider:
    if provider is None:
        raise NotFound(NOT_CONFIGURED)
    return provider


def _redirect(request: Request[Any, Any, Any], dependencies: Dependencies) -> str:
    base = dependencies.settings.public_url or str(request.base_url)
    return f"{base.rstrip('/')}{PATH}/callback"


def _again(provider: OidcProvider, error: str, status: int) -> Response[bytes]:
    return public_page("sign_in", status, next="", error=error, provider=provider.name)
