"""Credentials of the tenant by name: which templates need them, connect an account, and try one. Values are never shown."""

from typing import Any

from litestar import Controller, Request, Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.di import NamedDependency
from litestar.response import Redirect

from api.audit.middleware import name_object
from api.authentication import Principal
from api.console.pages import page
from api.console.problems import PAGE_HANDLERS
from api.console.session import console, read_form
from api.dependencies import Dependencies
from api.problems import BadRequest
from api.templates.models import summary_of
from service.account_connector import AccountError
from service.account_links import Account
from service.api_keys import KeyScope

__all__ = ["CredentialPageController"]


class CredentialPageController(Controller):
    """The credentials of the tenant."""

    path = "/console/credentials"
    include_in_schema = False
    exception_handlers = PAGE_HANDLERS

    @get("/", **console(KeyScope.ADMIN))
    async def list_(
        self, request: Request[Principal, None, Any], dependencies: NamedDependency[Dependencies]
    ) -> Response[bytes]:
        """Return type and name of each, and of those that templates need and that are not there."""
        return await _page(request, dependencies)

    @post("/connect", **console(KeyScope.ADMIN, "credential.link"))
    async def connect(
        self, request: Request[Principal, None, Any], dependencies: NamedDependency[Dependencies]
    ) -> Redirect:
        """Lead to where the owner of an account allows its use. Raises BadRequest."""
        account = _account(request, await read_form(request))
        return Redirect(dependencies.account_links.link(account), status_code=303)

    @post("/test", **console(KeyScope.ADMIN, "credential.test"), status_code=200)
    async def test(
        self, request: Request[Principal, None, Any], dependencies: NamedDependency[Dependencies]
    ) -> Response[bytes]:
        """Try a credential by a small request that changes nothing, and say what came of it. Raises BadRequest."""
        account = _account(request, await read_form(request))
        try:
            answer, failed = await dependencies.accounts.test(account), False
        except AccountError as error:
            answer, failed = str(error), True
        return await _page(request, dependencies, tried=account, answer=answer, failed=failed)


def _account(request: Request[Principal, None, Any], form: FormMultiDict) -> Account:
    type_, name = str(form.get("type") or "")[:256], str(form.get("name") or "")[:1000]
    if not (type_ and name):
        raise BadRequest("type, name: those of a credential.")
    name_object(request, "credential", f"{type_}/{name}")
    return Account(request.user.tenant, type_, name, actor=request.user.key)


async def _page(
    request: Request[Principal, None, Any],
    dependencies: Dependencies,
    *,
    tried: Account | None = None,
    answer: str = "",
    failed: bool = False,
) -> Response[bytes]:
    tenant = request.user.tenant
    present = await dependencies.credentials.names(tenant)
    needed: dict[tuple[str, str], list[str]] = {each: [] for each in present}
    for template in map(summary_of, await dependencies.store.summaries(tenant)):
        for need in template.credentials:
            needed.setdefault((need.type, need.name), []).append(template.key)
    rows = [
        {
            "type": type_,
            "name": name,
            "templates": keys,
            "present": (type_, name) in present,
            "account": dependencies.accounts.is_connectable(type_),
        }
        for (type_, name), keys in sorted(needed.items())
    ]
    return page(request, "credentials", rows=rows, tried=tried, answer=answer, failed=failed)
