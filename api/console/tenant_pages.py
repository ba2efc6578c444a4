"""Pages of the operator: tenants, their keys, limits and audit logs, and how one is erased."""

from typing import Annotated, Any, Final

from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from litestar.response import Redirect
from pydantic import ValidationError

from api.audit.routes import Cursor, read_page
from api.authentication import Principal
from api.console.key_pages import KeyId, expire_request, issue_request
from api.console.pages import page
from api.console.problems import PAGE_HANDLERS
from api.console.session import console_operator, read_form
from api.console.tenant_limits import limits_of
from api.dependencies import Dependencies
from api.keys import actions as key_actions
from api.keys.models import IssuedKeyAnswer, RotateRequest
from api.operator import actions
from api.operator.models import CreateTenant, EgressRequest
from api.operator.routes import TenantId
from api.problems import BadRequest
from runtime.platform.postgres import SHARED
from service.api_keys import KeyScope
from service.tenant_contents import MOST

__all__ = ["TenantPageController"]

PER_PAGE: Final = 50
HOME: Final = "/console/tenants"


class TenantPageController(Controller):
    """Everything of the operator's."""

    path = "/console"
    include_in_schema = False
    exception_handlers = PAGE_HANDLERS

    @get("/tenants", **console_operator())
    async def list_(
        self,
        request: Request[Principal, None, Any],
        dependencies: NamedDependency[Dependencies],
        after: Annotated[str, QueryParameter(max_length=63)] = "",
        tenant: Annotated[str, QueryParameter(max_length=100)] = "",
    ) -> Response[Any]:
        """Return a page of tenants, without anything of their data; or lead to the one that is named. Raises UnknownTenant."""
        if tenant:
            return _to((await actions.read(tenant.strip(), dependencies)).id)
        found = await dependencies.tenants.page(after, PER_PAGE)
        last = found[PER_PAGE - 1].id if len(found) > PER_PAGE else None
        return page(request, "tenants", tenants=found[:PER_PAGE], after=after, next_after=last)

    @post("/tenants", **console_operator("tenant.create"))
    async def create(
        self, request: Request[Principal, None, Any], dependencies: NamedDependency[Dependencies]
    ) -> Redirect:
        """Create a tenant, and show it. Raises BadRequest, TenantExists, BeingDeleted."""
        form = await read_form(request)
        try:
            data = CreateTenant(id=str(form.get("id") or "").strip(), name=str(form.get("name") or ""))
        except ValidationError as error:
            raise BadRequest("id: 1 to 63 characters; name: 200 at most.") from error
        return _to((await actions.create(request, data, dependencies)).id)

    @get("/operator-audit", **console_operator())
    async def own_audit(
        self, request: Request[Principal, None, Any], dependencies: NamedDependency[Dependencies], cursor: Cursor = None
    ) -> Response[bytes]:
        """Return what was done under the operator's key and at the command line. Raises BadRequest."""
        found = await read_page(dependencies, SHARED, cursor, PER_PAGE)
        return page(request, "audit", tenant=None, entries=found.items, next_cursor=found.next_cursor)

    @get("/tenants/{tenant:str}", **console_operator())
    async def show(
        self, request: Request[Principal, None, Any], tenant: TenantId, dependencies: NamedDependency[Dependencies]
    ) -> Response[bytes]:
        """Return a tenant with its keys and limits. Raises UnknownTenant."""
        return await _page(request, tenant, dependencies)

    @get("/tenants/{tenant:str}/audit", **console_operator())
    async def audit(
        self,
        request: Request[Principal, None, Any],
        tenant: TenantId,
        dependencies: NamedDependency[Dependencies],
        cursor: Cursor = None,
    ) -> Response[bytes]:
        """Return a tenant's audit log. Raises BadRequest."""
        found = await read_page(dependencies, tenant, cursor, PER_PAGE)
        return page(request, "audit", tenant=tenant, entries=found.items, next_cursor=found.next_cursor)

    @post("/tenants/{tenant:str}/egress", **console_operator("tenant.egress"))
    async def allow_egress(
        self, request: Request[Principal, None, Any], tenant: TenantId, dependencies: NamedDependency[Dependencies]
    ) -> Redirect:
        """Set what is open to the steps of a tenant. Raises BadRequest, UnknownTenant."""
        lines = str((await read_form(request)).get("allow") or "").split()
        try:
            data = EgressRequest(allow=lines)
        except ValidationError as error:
            raise BadRequest("allow: 1,000 entries at most.") from error
        await actions.allow_egress(tenant, data, dependencies)
        return _to(tenant)

    @post("/tenants/{tenant:str}/keys", **console_operator("key.issue"), status_code=200)
    async def issue_key(
        self, request: Request[Principal, None, Any], tenant: TenantId, dependencies: NamedDependency[Dependencies]
    ) -> Response[bytes]:
        """Issue a key, and show it this once. Raises BadRequest, UnknownTenant, BeingDeleted."""
        data = issue_request(await read_form(request))
        issued = await key_actions.issue(request, dependencies.tenants, tenant, data)
        return await _page(request, tenant, dependencies, issued)

    @post("/tenants/{tenant:str}/keys/{key_id:str}/expire", **console_operator("key.expire"))
    async def expire_key(
        self,
        request: Request[Principal, None, Any],
        tenant: TenantId,
        key_id: KeyId,
        dependencies: NamedDependency[Dependencies],
    ) -> Redirect:
        """Set when a key expires. Raises BadRequest, UnknownKey."""
        await key_actions.expire(dependencies.tenants, tenant, key_id, expire_request(await read_form(request)))
        return _to(tenant)

    @post("/tenants/{tenant:str}/keys/{key_id:str}/rotate", **console_operator("key.rotate"), status_code=200)
    async def rotate_key(
        self,
        request: Request[Principal, None, Any],
        tenant: TenantId,
        key_id: KeyId,
        dependencies: NamedDependency[Dependencies],
    ) -> Response[bytes]:
        """Issue the key that takes the place of another, which goes on to work for a day. Raises UnknownKey, NotRotatable."""
        await read_form(request)
        issued = await key_actions.rotate(dependencies.tenants, tenant, key_id, RotateRequest())
        return await _page(request, tenant, dependencies, issued)

    @post("/tenants/{tenant:str}/keys/{key_id:str}/revoke", **console_operator("key.revoke"))
    async def revoke_key(
        self,
        request: Request[Principal, None, Any],
        tenant: TenantId,
        key_id: KeyId,
        dependencies: NamedDependency[Dependencies],
    ) -> Redirect:
        """Revoke a key. Raises UnknownKey."""
        await read_form(request)
        await key_actions.revoke(dependencies.tenants, tenant, key_id)
        return _to(tenant)

    @get("/tenants/{tenant:str}/deletion", **console_operator())
    async def preview_deletion(
        self, request: Request[Principal, None, Any], tenant: TenantId, dependencies: NamedDependency[Dependencies]
    ) -> Response[bytes]:
        """Return what erasing a tenant would remove. Raises UnknownTenant."""
        return await _preview(request, tenant, dependencies)

    @post("/tenants/{tenant:str}/deletion", **console_operator("tenant.delete"), status_code=200)
    async def delete(
        self, request: Request[Principal, None, Any], tenant: TenantId, dependencies: NamedDependency[Dependencies]
    ) -> Response[Any]:
        """Begin to erase a tenant whose id was typed; else show again what that would remove. Raises UnknownTenant."""
        typed = str((await read_form(request)).get("confirmation") or "").strip()
        if typed != tenant:
            return await _preview(request, tenant, dependencies, refused=True)
        await actions.delete(tenant, dependencies)
        return _to(tenant)


async def _page(
    request: Request[Principal, None, Any],
    tenant: str,
    dependencies: Dependencies,
    issued: IssuedKeyAnswer | None = None,
) -> Response[bytes]:
    return page(
        request,
        "tenant",
        tenant=await actions.read(tenant, dependencies),
        keys=(await key_actions.list_keys(dependencies.tenants, tenant)).items,
        issued=issued,
        scopes=list(KeyScope),
        limits=limits_of(dependencies.settings, tenant),
    )


async def _preview(
    request: Request[Principal, None, Any], tenant: str, dependencies: Dependencies, *, refused: bool = False
) -> Response[bytes]:
    found = await actions.read(tenant, dependencies)
    contents = await actions.count_contents(tenant, dependencies)
    status = 400 if refused else 200
    return page(request, "tenant_deletion", status, tenant=found, contents=contents, most=MOST, refused=refused)


def _to(tenant: str) -> Redirect:
    return Redirect(f"{HOME}/{tenant}", status_code=303)
