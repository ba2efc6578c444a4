"""Tenants, their keys and their audit logs, under the key of the operator: what `tempor8 tenants` and `tempor8 audit` do.

There is no list of tenants by REST. Their ids are no secret of the application: its background loops read them, without any data.
"""

from typing import Annotated, Any

from litestar import Controller, Request, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from api.access import needs_operator
from api.audit.models import AuditPage
from api.audit.routes import Cursor, Limit, read_page
from api.authentication import Principal
from api.dependencies import Dependencies
from api.keys import actions as key_actions
from api.keys.models import ExpireRequest, IssuedKeyAnswer, IssueRequest, KeyAnswer, KeyList, RotateRequest
from api.keys.problems import NotRotatable, TenantExists, UnknownKey, UnknownTenant
from api.keys.routes import KeyId
from api.openapi import problems
from api.operator import actions
from api.operator.models import (
    CreateTenant,
    EgressRequest,
    TenantAnswer,
    TenantContentsAnswer,
    TenantDeletion,
    contents_answer,
)
from api.problems import BadRequest, BeingDeleted
from runtime.platform.postgres import SHARED
from service.api_keys import TENANT_ID

__all__ = ["OperatorController"]

TenantId = Annotated[str, PathParameter(description="Id of the tenant", pattern=f"^{TENANT_ID.pattern}$")]


class OperatorController(Controller):
    """Everything under /operator."""

    path = "/operator"
    tags = ("Operator",)

    @post(
        "/tenants",
        **needs_operator("tenant.create"),
        status_code=201,
        summary="Create a tenant",
        responses=problems(BadRequest, BeingDeleted, TenantExists),
    )
    async def create(
        self,
        request: Request[Principal, None, Any],
        data: JSONBody[CreateTenant],
        dependencies: NamedDependency[Dependencies],
    ) -> TenantAnswer:
        """Create a tenant; it has no key yet."""
        return await actions.create(request, data, dependencies)

    @get("/tenants/{tenant:str}", **needs_operator(), summary="Show a tenant", responses=problems(UnknownTenant))
    async def show(self, tenant: TenantId, dependencies: NamedDependency[Dependencies]) -> TenantAnswer:
        """Return a tenant."""
        return await actions.read(tenant, dependencies)

    @get(
        "/tenants/{tenant:str}/contents",
        **needs_operator(),
        summary="Count what a tenant has",
        responses=problems(UnknownTenant),
        description="What its deletion would remove. Rows are counted up to a million of a kind.",
    )
    async def contents(self, tenant: TenantId, dependencies: NamedDependency[Dependencies]) -> TenantContentsAnswer:
        """Return how much there is of a tenant, and nothing of what it is."""
        return contents_answer(await actions.count_contents(tenant, dependencies))

    @delete(
        "/tenants/{tenant:str}",
        **needs_operator("tenant.delete"),
        status_code=202,
        summary="Delete a tenant",
        responses=problems(UnknownTenant),
        description="Templates, schedules, runs (open ones are terminated), payloads, credentials, tables, keys, and its audit "
        "log. Keys and webhooks stop working at once, the rest is gone within minutes. Asking again shows how far it is.",
    )
    async def delete_tenant(self, tenant: TenantId, dependencies: NamedDependency[Dependencies]) -> TenantDeletion:
        """Begin to delete a tenant."""
        return await actions.delete(tenant, dependencies)

    @put(
        "/tenants/{tenant:str}/egress",
        **needs_operator("tenant.egress"),
        status_code=200,
        summary="Open addresses to a tenant",
        responses=problems(BadRequest, UnknownTenant),
        description="Hosts and networks that are not on the public internet, in place of those before; takes effect within seconds.",
    )
    async def allow_egress(
        self, tenant: TenantId, data: JSONBody[EgressRequest], dependencies: NamedDependency[Dependencies]
    ) -> TenantAnswer:
        """Set what is open to the steps of a tenant."""
        return await actions.allow_egress(tenant, data, dependencies)

    @get("/tenants/{tenant:str}/keys", **needs_operator(), summary="List a tenant's keys", responses=problems())
    async def list_keys(self, tenant: TenantId, dependencies: NamedDependency[Dependencies]) -> KeyList:
        """Return the keys of a tenant; of one that does not exist, none."""
        return await key_actions.list_keys(dependencies.tenants, tenant)

    @post(
        "/tenants/{tenant:str}/keys",
        **needs_operator("key.issue"),
        status_code=201,
        summary="Issue a key of a tenant",
        responses=problems(BadRequest, BeingDeleted, UnknownTenant),
    )
    async def issue_key(
        self,
        request: Request[Principal, None, Any],
        tenant: TenantId,
        data: JSONBody[IssueRequest],
        dependencies: NamedDependency[Dependencies],
    ) -> IssuedKeyAnswer:
        """Issue a key."""
        return await key_actions.issue(request, dependencies.tenants, tenant, data)

    @post(
        "/tenants/{tenant:str}/keys/{key_id:str}/rotate",
        **needs_operator("key.rotate"),
        status_code=201,
        summary="Rotate a key of a tenant",
        responses=problems(BadRequest, BeingDeleted, NotRotatable, UnknownKey),
    )
    async def rotate_key(
        self,
        tenant: TenantId,
        key_id: KeyId,
        data: JSONBody[RotateRequest],
        dependencies: NamedDependency[Dependencies],
    ) -> IssuedKeyAnswer:
        """Issue the key that takes the place of another."""
        return await key_actions.rotate(dependencies.tenants, tenant, key_id, data)

    @put(
        "/tenants/{tenant:str}/keys/{key_id:str}/expiry",
        **needs_operator("key.expire"),
        status_code=200,
        summary="Set when a key of a tenant expires",
        responses=problems(BadRequest, UnknownKey),
        description="A key that was revoked, has expired or was rotated stays as it is.",
    )
    async def expire_key(
        self,
        tenant: TenantId,
        key_id: KeyId,
        data: JSONBody[ExpireRequest],
        dependencies: NamedDependency[Dependencies],
    ) -> KeyAnswer:
        """Set when a key expires."""
        return await key_actions.expire(dependencies.tenants, tenant, key_id, data)

    @delete(
        "/tenants/{tenant:str}/keys/{key_id:str}",
        **needs_operator("key.revoke"),
        status_code=204,
        summary="Revoke a key of a tenant",
        responses=problems(UnknownKey),
    )
    async def revoke_key(self, tenant: TenantId, key_id: KeyId, dependencies: NamedDependency[Dependencies]) -> None:
        """Revoke a key."""
        await key_actions.revoke(dependencies.tenants, tenant, key_id)

    @get(
        "/tenants/{tenant:str}/audit",
        **needs_operator(),
        summary="Read a tenant's audit log",
        responses=problems(BadRequest),
    )
    async def tenant_audit(
        self,
        tenant: TenantId,
        dependencies: NamedDependency[Dependencies],
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> AuditPage:
        """Return a page of a tenant's log."""
        return await read_page(dependencies, tenant, cursor, limit)

    @get("/audit", **needs_operator(), summary="Read the operator's audit log", responses=problems(BadRequest))
    async def audit(
        self, dependencies: NamedDependency[Dependencies], cursor: Cursor = None, limit: Limit = 50
    ) -> AuditPage:
        """Return a page of what was done under the operator's key and at the command line."""
        return await read_page(dependencies, SHARED, cursor, limit)
