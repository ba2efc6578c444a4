"""API keys of the caller's tenant, for callers with the scope `admin`."""

from typing import Annotated, Any

from litestar import Controller, Request, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from api.access import needs
from api.authentication import Principal
from api.dependencies import Dependencies
from api.keys import actions
from api.keys.models import ExpireRequest, IssuedKeyAnswer, IssueRequest, KeyAnswer, KeyList, RotateRequest
from api.keys.problems import NotRotatable, UnknownKey
from api.openapi import problems
from api.problems import BadRequest, BeingDeleted
from service.api_keys import KeyScope

__all__ = ["KeyController", "KeyId"]

KeyId = Annotated[str, PathParameter(description="Id of the key, as the list has it", max_length=64)]


class KeyController(Controller):
    """Everything under /keys."""

    path = "/keys"
    tags = ("Keys and audit",)

    @get("/", **needs(KeyScope.ADMIN), summary="List keys", responses=problems())
    async def list_(
        self, request: Request[Principal, None, Any], dependencies: NamedDependency[Dependencies]
    ) -> KeyList:
        """Return the keys of the tenant, without their secrets."""
        return await actions.list_keys(dependencies.tenants, request.user.tenant)

    @post(
        "/",
        **needs(KeyScope.ADMIN, "key.issue"),
        status_code=201,
        summary="Issue a key",
        responses=problems(BadRequest, BeingDeleted),
        description="The answer is the only place where the key stands: a hash of it is stored.",
    )
    async def issue(
        self,
        request: Request[Principal, None, Any],
        data: JSONBody[IssueRequest],
        dependencies: NamedDependency[Dependencies],
    ) -> IssuedKeyAnswer:
        """Issue a key with some scopes."""
        return await actions.issue(request, dependencies.tenants, request.user.tenant, data)

    @post(
        "/{key_id:str}/rotate",
        **needs(KeyScope.ADMIN, "key.rotate"),
        status_code=201,
        summary="Rotate a key",
        responses=problems(BadRequest, BeingDeleted, NotRotatable, UnknownKey),
        description="A new key with the same name, scopes and lifetime. The old one goes on to work for the overlap.",
    )
    async def rotate(
        self,
        request: Request[Principal, None, Any],
        key_id: KeyId,
        data: JSONBody[RotateRequest],
        dependencies: NamedDependency[Dependencies],
    ) -> IssuedKeyAnswer:
        """Issue the key that takes the place of another."""
        return await actions.rotate(dependencies.tenants, request.user.tenant, key_id, data)

    @put(
        "/{key_id:str}/expiry",
        **needs(KeyScope.ADMIN, "key.expire"),
        status_code=200,
        summary="Set when a key expires",
        responses=problems(BadRequest, UnknownKey),
        description="A key that was revoked, has expired or was rotated stays as it is.",
    )
    async def expire(
        self,
        request: Request[Principal, None, Any],
        key_id: KeyId,
        data: JSONBody[ExpireRequest],
        dependencies: NamedDependency[Dependencies],
    ) -> KeyAnswer:
        """Set when a key expires."""
        return await actions.expire(dependencies.tenants, request.user.tenant, key_id, data)

    @delete(
        "/{key_id:str}",
        **needs(KeyScope.ADMIN, "key.revoke"),
        status_code=204,
        summary="Revoke a key",
        responses=problems(UnknownKey),
        description="It stops working at once, in every process within seconds.",
    )
    async def revoke(
        self, request: Request[Principal, None, Any], key_id: KeyId, dependencies: NamedDependency[Dependencies]
    ) -> None:
        """Revoke a key."""
        await actions.revoke(dependencies.tenants, request.user.tenant, key_id)
