"""API keys of the tenant: who has which, issue, rotate, revoke."""

from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.di import NamedDependency
from litestar.params import PathParameter
from litestar.response import Redirect
from pydantic import ValidationError

from api.authentication import Principal
from api.console.pages import page
from api.console.problems import PAGE_HANDLERS
from api.console.session import console, read_form
from api.dependencies import Dependencies
from api.keys import actions
from api.keys.models import ExpireRequest, IssuedKeyAnswer, IssueRequest, RotateRequest
from api.problems import BadRequest
from service.api_keys import KeyScope

__all__ = ["KeyId", "KeyPageController", "expire_request", "issue_request"]

KeyId = Annotated[str, PathParameter(max_length=64)]
HOME = "/console/keys"


class KeyPageController(Controller):
    """The keys of the tenant."""

    path = HOME
    include_in_schema = False
    exception_handlers = PAGE_HANDLERS

    @get("/", **console(KeyScope.ADMIN))
    async def list_(
        self, request: Request[Principal, None, Any], dependencies: NamedDependency[Dependencies]
    ) -> Response[bytes]:
        """Return the keys, without their secrets."""
        return await _page(request, dependencies)

    @post("/", **console(KeyScope.ADMIN, "key.issue"), status_code=200)
    async def issue(
        self, request: Request[Principal, None, Any], dependencies: NamedDependency[Dependencies]
    ) -> Response[bytes]:
        """Issue a key, and show it this once. Raises BadRequest."""
        data = issue_request(await read_form(request))
        issued = await actions.issue(request, dependencies.tenants, request.user.tenant, data)
        return await _page(request, dependencies, issued)

    @post("/{key_id:str}/rotate", **console(KeyScope.ADMIN, "key.rotate"), status_code=200)
    async def rotate(
        self, request: Request[Principal, None, Any], key_id: KeyId, dependencies: NamedDependency[Dependencies]
    ) -> Response[bytes]:
        """Issue the key that takes the place of another, which goes on to work for a day. Raises UnknownKey, NotRotatable."""
        await read_form(request)
        issued = await actions.rotate(dependencies.tenants, request.user.tenant, key_id, RotateRequest())
        return await _page(request, dependencies, issued)

    @post("/{key_id:str}/expire", **console(KeyScope.ADMIN, "key.expire"))
    async def expire(
        self, request: Request[Principal, None, Any], key_id: KeyId, dependencies: NamedDependency[Dependencies]
    ) -> Redirect:
        """Set when a key expires. Raises BadRequest, UnknownKey."""
        data = expire_request(await read_form(request))
        await actions.expire(dependencies.tenants, request.user.tenant, key_id, data)
        return Redirect(HOME, status_code=303)

    @post("/{key_id:str}/revoke", **console(KeyScope.ADMIN, "key.revoke"))
    async def revoke(
        self, request: Request[Principal, None, Any], key_id: KeyId, dependencies: NamedDependency[Dependencies]
    ) -> Redirect:
        """Revoke a key. Raises UnknownKey."""
        await read_form(request)
        await actions.revoke(dependencies.tenants, request.user.tenant, key_id)
        return Redirect(HOME, status_code=303)


def issue_request(form: FormMultiDict) -> IssueRequest:
    """Return the key that a form asks for. Raises BadRequest."""
    try:
        return IssueRequest.model_validate(
            {
                "name": str(form.get("name") or ""),
                "scopes": form.getall("scopes", []),
                "expires_in_days": str(form.get("days") or "") or None,
            }
        )
    except ValidationError as error:
        raise BadRequest("A key needs at least one scope, and expires after 1 to 3,650 days or never.") from error


def expire_request(form: FormMultiDict) -> ExpireRequest:
    """Return when a form lets a key expire. Raises BadRequest."""
    try:
        return ExpireRequest.model_validate({"expires_in_days": str(form.get("days") or "") or None})
    except ValidationError as error:
        raise BadRequest("A key expires after 0 to 3,650 days, or never.") from error


async def _page(
    request: Request[Principal, None, Any], dependencies: Dependencies, issued: IssuedKeyAnswer | None = None
) -> Response[bytes]:
    keys = await actions.list_keys(dependencies.tenants, request.user.tenant)
    return page(request, "keys", keys=keys.items, issued=issued, scopes=list(KeyScope))
