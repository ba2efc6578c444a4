"""Sign-in with an API key, and sign-out."""

import uuid
from typing import Annotated, Any, Final

from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from litestar.response import Redirect

from api.authentication import PUBLIC, OperatorKey, Principal, Verifier
from api.console.pages import public_page
from api.console.problems import PAGE_HANDLERS
from api.console.session import begin_session, end_session, require_own_page, session_in
from api.dependencies import Dependencies
from api.json_bodies import FORM
from api.problems import Unauthorized
from api.rates import Rates
from runtime.platform.oidc import OidcProvider
from service.api_keys import tenant_of_key
from service.audit import ActorKind, AuditRecord, Outcome

__all__ = ["HOME", "SESSION_KEY", "TOO_LONG", "SignInController", "audit_sign_in", "inside", "is_secure", "to_console"]

HOME: Final = "/console/runs"
OPERATOR_HOME: Final = "/console/tenants"
OPERATOR_PAGES: Final = (OPERATOR_HOME, "/console/operator-audit")
BAD_KEY: Final = "This is no valid API key."
MAX_KEY: Final = 4000
"""Characters of a key or token: the session is to fit into a cookie."""
SESSION_KEY: Final = 2500
TOO_LONG: Final = "The token is too long for a session of the browser. Sign in with an API key."


class SignInController(Controller):
    """Sign-in and sign-out."""

    path = "/console"
    opt = PUBLIC
    include_in_schema = False
    exception_handlers = PAGE_HANDLERS

    @get("/sign-in", sync_to_thread=False)
    def show(
        self,
        provider: NamedDependency[OidcProvider | None],
        next_: Annotated[str, QueryParameter(name="next", max_length=2000)] = "",
    ) -> Response[bytes]:
        """Ask for a key, or for a sign-in at the provider."""
        return public_page("sign_in", next=inside(next_), error="", provider=_name(provider))

    @post("/sign-in", status_code=200, opt={FORM: True})
    async def sign_in(
        self,
        request: Request[Any, Any, Any],
        dependencies: NamedDependency[Dependencies],
        rates: NamedDependency[Rates],
        verifier: NamedDependency[Verifier],
        operator: NamedDependency[OperatorKey],
        provider: NamedDependency[OidcProvider | None],
    ) -> Response[Any]:
        """Begin a session, or ask again. Raises TooManyRequests: this address has sent many wrong keys."""
        require_own_page(request)
        form = await request.form()
        key, to = str(form.get("key") or "").strip()[:MAX_KEY], inside(str(form.get("next") or ""))
        address = request.client.host if request.client else ""
        rates.look_ups.require(address, f"key:{hash(key)}")
        try:
            principal = await _principal(key, verifier, operator)
        except Unauthorized:
            rates.look_ups.missed(address)
            return public_page("sign_in", 401, next=to, error=BAD_KEY, provider=_name(provider))
        if len(key) > SESSION_KEY:
            return public_page("sign_in", 400, next=to, error=TOO_LONG, provider=_name(provider))
        is_operator = principal.kind is ActorKind.OPERATOR
        response = Redirect(_first_page(to, is_operator=is_operator), status_code=303)
        secure = is_secure(request, dependencies)
        begin_session(response, dependencies.sessions, key, secure=secure, operator=is_operator)
        await audit_sign_in(dependencies, principal, address)
        return response

    @post("/sign-out", status_code=303, opt={FORM: True}, sync_to_thread=False)
    def sign_out(self, request: Request[Any, Any, Any]) -> Response[Any]:
        """End the session."""
        require_own_page(request)
        response = Redirect("/console/sign-in", status_code=303)
        end_session(response)
        return response


async def _principal(key: str, verifier: Verifier, operator: OperatorKey) -> Principal:
    """Return whose key it is: a tenant's, or the operator's. Raises Unauthorized."""
    if tenant_of_key(key) is None:
        try:
            return operator.verify(key)
        except Unauthorized:
            pass  # it may be a token
    return await verifier.verify(key)


def _first_page(asked: str, *, is_operator: bool) -> str:
    """Return the page that was asked for, or the first one where that is of the other kind: operators and tenants share none."""
    if asked and is_operator is asked.startswith(OPERATOR_PAGES):
        return asked
    return OPERATOR_HOME if is_operator else HOME


def _name(provider: OidcProvider | None) -> str:
    return provider.name if provider else ""


def inside(path: str) -> str:
    """Return the address of a page of the console; an empty text for any other address."""
    safe = path.startswith("/console/") and "\\" not in path and ".." not in path and path.isprintable()
    return path if safe else ""


def is_secure(request: Request[Any, Any, Any], dependencies: Dependencies) -> bool:
    """Return whether browsers come by HTTPS."""
    return request.url.scheme == "https" or (dependencies.settings.public_url or "").startswith("https://")


async def audit_sign_in(dependencies: Dependencies, principal: Principal, address: str) -> None:
    """Write that somebody has signed in. Raises DatabaseUnavailable."""
    await dependencies.audit.write(
        AuditRecord(
            tenant=principal.tenant,
            actor_kind=principal.kind,
            actor=principal.key,
            actor_name=principal.name,
            action="console.sign_in",
            object="console",
            outcome=Outcome.DONE,
            request_id=str(uuid.uuid4()),
            status=303,
            address=address,
        )
    )


@get(["/", "/console"], opt=PUBLIC, include_in_schema=False, sync_to_thread=False)
def to_console(request: Request[Any, Any, Any], dependencies: NamedDependency[Dependencies]) -> Redirect:
    """Lead to the first page."""
    session = session_in(request, dependencies.sessions)
    return Redirect(OPERATOR_HOME if session and session.operator else HOME, status_code=303)
