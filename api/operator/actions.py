"""What the operator can do with tenants, for the routes of the API and the pages of the console."""

from typing import Any

from litestar import Request

from api.audit.middleware import name_object
from api.dependencies import Dependencies
from api.keys.problems import TenantExists, UnknownTenant
from api.operator.models import (
    CreateTenant,
    EgressRequest,
    TenantAnswer,
    TenantDeletion,
    deletion_answer,
    tenant_answer,
)
from api.problems import BadRequest
from runtime.platform.postgres import SHARED
from service.deletion_store import DeletionStore
from service.tenant_contents import TenantContents, read_contents
from service.tenants import BadTenant

__all__ = ["allow_egress", "count_contents", "create", "delete", "read"]


async def create(request: Request[Any, Any, Any], data: CreateTenant, dependencies: Dependencies) -> TenantAnswer:
    """Create a tenant.

    Raises:
        BadRequest: the id cannot be one.
        TenantExists: there is one already.
    """
    name_object(request, "tenant", data.id)
    if data.id == SHARED:
        raise BadRequest("id: '*' is the operator itself.")
    try:
        created = await dependencies.tenants.create(data.id, data.name)
    except BadTenant as error:
        raise BadRequest(f"id: {error}.") from error
    if not created:
        raise TenantExists(f"There is a tenant {data.id!r} already.")
    return await read(data.id, dependencies)


async def read(tenant: str, dependencies: Dependencies) -> TenantAnswer:
    """Return a tenant. Raises UnknownTenant."""
    found = await dependencies.tenants.get(tenant)
    if found is None:
        raise UnknownTenant.named(tenant)
    return tenant_answer(found, await DeletionStore(dependencies.database).get(tenant))


async def count_contents(tenant: str, dependencies: Dependencies) -> TenantContents:
    """Return how much there is of a tenant. Raises UnknownTenant."""
    if await dependencies.tenants.get(tenant) is None:
        raise UnknownTenant.named(tenant)
    return await read_contents(dependencies.background, dependencies.credentials, tenant)


async def delete(tenant: str, dependencies: Dependencies) -> TenantDeletion:
    """Begin to delete a tenant, or return the deletion that goes on. Raises UnknownTenant."""
    deletion = await DeletionStore(dependencies.database).request_tenant(tenant, "operator")
    if deletion is None:
        raise UnknownTenant.named(tenant)
    dependencies.templates.forget(tenant)
    return deletion_answer(deletion)


async def allow_egress(tenant: str, data: EgressRequest, dependencies: Dependencies) -> TenantAnswer:
    """Set what is open to the steps of a tenant, in place of what was open before.

    Raises:
        BadRequest: an entry is malformed.
        UnknownTenant: there is no such tenant.
    """
    try:
        known = await dependencies.tenants.allow_egress(tenant, data.allow)
    except ValueError as error:
        raise BadRequest(f"allow: {error}.") from error
    if not known:
        raise UnknownTenant.named(tenant)
    return await read(tenant, dependencies)
