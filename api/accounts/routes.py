"""GET /oauth2/connect and /oauth2/callback: the owner of an account connects it to a credential, in a browser."""

import re
import uuid
from collections.abc import Mapping
from typing import Annotated, Any, Final

from litestar import Controller, Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from api.accounts.pages import done_page, error_page, key_page, vendor_page
from api.authentication import PUBLIC, Verifier
from api.dependencies import Dependencies
from api.json_bodies import FORM
from api.problems import Unauthorized
from api.rates import Rates
from schemas.errors import InfrastructureError
from service.account_connector import AccountError
from service.account_links import STATE_SECONDS, Account, BadAccountLink, challenge_of, new_verifier
from service.api_keys import KeyScope
from service.audit import ActorKind, AuditRecord, Outcome

__all__ = ["AccountController"]

COOKIE: Final = "tempor8_account_"
"""Prefix of the cookies that hold code verifiers: a browser may connect several accounts at a time."""
MAX_TEXT: Final = 4096
BAD_KEY: Final = "This is no API key of the tenant with the scope “admin”."
AWAY: Final = "The service cannot reach its database or Vault. Try again in a while."
_ERROR_CODE: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
Text = Annotated[str, QueryParameter(max_length=MAX_TEXT)]


class AccountController(Controller):
    """Everything under /oauth2. Pages for people, so they are not in the description of the API."""

    path = "/oauth2"
    opt = PUBLIC
    include_in_schema = False

    @get("/connect")
    async def show(
        self,
        request: Request[Any, Any, Any],
        dependencies: NamedDependency[Dependencies],
        rates: NamedDependency[Rates],
        link: Text = "",
        tenant: Text = "",
        type: Text = "",  # noqa: A002 - the name in the address
        name: Text = "",
    ) -> Response[bytes]:
        """Show the way to the vendor for a sealed link, and ask for an API key without one."""
        if not link:
            if not (tenant and type and name):
                return error_page("The address is not complete.")
            return key_page(Account(tenant, type, name))
        address = _address(request)
        rates.look_ups.require(address, link)
        try:
            account = dependencies.account_links.account_of(link)
        except BadAccountLink as error:
            rates.look_ups.missed(address)
            return error_page(str(error))
        return await _to_vendor(dependencies, account)

    @post("/connect", status_code=200, opt={FORM: True})
    async def check_key(
        self,
        request: Request[Any, Any, Any],
        dependencies: NamedDependency[Dependencies],
        rates: NamedDependency[Rates],
        verifier: NamedDependency[Verifier],
    ) -> Response[bytes]:
        """Take an API key, and show the way to the vendor."""
        form = await request.form()
        tenant, type_, name, key = (
            str(form.get(field) or "")[:MAX_TEXT] for field in ("tenant", "type", "name", "key")
        )
        address, account = _address(request), Account(tenant, type_, name)
        rates.look_ups.require(address, key)
        try:
            principal = await verifier.verify(key)
        except Unauthorized:
            rates.look_ups.missed(address)
            return key_page(account, error=BAD_KEY, status=401)
        if principal.tenant != tenant or KeyScope.ADMIN not in principal.scopes:
            return key_page(account, error=BAD_KEY, status=403)
        return await _to_vendor(dependencies, Account(tenant, type_, name, actor=principal.key))

    @get("/callback")
    async def finish(
        self,
        request: Request[Any, Any, Any],
        dependencies: NamedDependency[Dependencies],
        rates: NamedDependency[Rates],
        own_state: Annotated[str, QueryParameter(name="state", max_length=MAX_TEXT)] = "",
        code: Text = "",
        error: Text = "",
    ) -> Response[bytes]:
        """Take what the vendor sent the browser back with, and keep the tokens that it is worth."""
        address, links = _address(request), dependencies.account_links
        rates.look_ups.require(address, own_state)
        try:
            account, challenge = links.account_of_state(own_state)
        except BadAccountLink as bad:
            rates.look_ups.missed(address)
            return error_page(str(bad))
        verifier = _verifier(request.cookies, challenge)
        if verifier is None:
            return error_page("This browser did not begin the connection. Open the link once more.", account)
        if error or not code:
            reason = error if _ERROR_CODE.fullmatch(error) else "no code"
            page = error_page(f"The vendor answered: {reason}. Open the link once more to try again.", account)
        else:
            page = await _connect(dependencies, account, code, verifier)
            await _audit(dependencies, account, address, page.status_code)
        page.delete_cookie(_cookie_name(challenge), path="/oauth2")
        return page


async def _to_vendor(dependencies: Dependencies, account: Account) -> Response[bytes]:
    links, verifier = dependencies.account_links, new_verifier()
    state = links.state(account, verifier)
    try:
        url = await dependencies.accounts.authorization_url(account, links.callback, state, verifier)
    except AccountError as error:
        return error_page(str(error), account, status=409)
    except InfrastructureError:
        return error_page(AWAY, account, status=503)
    page = vendor_page(account, url)
    page.set_cookie(
        Cookie(
            _cookie_name(challenge_of(verifier)), path="/oauth2", value=verifier, max_age=STATE_SECONDS, httponly=True,
            samesite="lax", secure=links.is_secure,
        )
    )  # fmt: skip
    return page


async def _connect(dependencies: Dependencies, account: Account, code: str, verifier: str) -> Response[bytes]:
    try:
        await dependencies.accounts.connect(account, dependencies.account_links.callback, code, verifier)
    except AccountError as error:
        return error_page(str(error), account, status=409)
    except InfrastructureError:
        return error_page(AWAY, account, status=503)
    return done_page(account)


async def _audit(dependencies: Dependencies, account: Account, address: str, status: int | None) -> None:
    done = status == 200
    await dependencies.audit.write(
        AuditRecord(
            tenant=account.tenant,
            actor_kind=ActorKind.KEY if account.actor else ActorKind.CLI,
            actor=account.actor or "link",
            action="credential.connect",
            object=f"credential/{account.type}/{account.name}",
            outcome=Outcome.DONE if done else Outcome.REFUSED,
            request_id=str(uuid.uuid4()),
            status=status,
            address=address,
        )
    )


def _verifier(cookies: Mapping[str, str], challenge: str) -> str | None:
    """Return the verifier of this browser for a challenge."""
    value = cookies.get(_cookie_name(challenge), "")
    return value if challenge_of(value) == challenge else None


def _cookie_name(challenge: str) -> str:
    return COOKIE + challenge[:8]


def _address(request: Request[Any, Any, Any]) -> str:
    return request.client.host if request.client else ""
