"""What can be done with the keys of a tenant, for the tenant's own routes and the operator's."""

from datetime import timedelta
from typing import Any

from litestar import Request

from api.audit.middleware import name_object
from api.keys.models import (
    ExpireRequest,
    IssuedKeyAnswer,
    IssueRequest,
    KeyAnswer,
    KeyList,
    RotateRequest,
    issued_answer,
    key_answer,
)
from api.keys.problems import NotRotatable, UnknownKey, UnknownTenant
from service.api_keys import KeyExpiredError, KeyReplacedError, NoSuchTenantError
from service.tenants import TenantStore

__all__ = ["expire", "issue", "list_keys", "revoke", "rotate"]


async def list_keys(tenants: TenantStore, tenant: str) -> KeyList:
    """Return the keys of a tenant."""
    return KeyList(items=[key_answer(each) for each in await tenants.keys(tenant)])


async def issue(
    request: Request[Any, Any, Any], tenants: TenantStore, tenant: str, data: IssueRequest
) -> IssuedKeyAnswer:
    """Issue a key.

    Raises:
        UnknownTenant: there is no such tenant.
    """
    try:
        issued = await tenants.issue_key(tenant, data.name, scopes=data.scopes, lifetime=data.lifetime)
    except NoSuchTenantError as error:
        raise UnknownTenant.named(tenant) from error
    name_object(request, "key", issued.key.id)
    return issued_answer(issued)


async def rotate(tenants: TenantStore, tenant: str, key_id: str, data: RotateRequest) -> IssuedKeyAnswer:
    """Issue the key that takes the place of another.

    Raises:
        UnknownKey: the tenant has no such key.
        NotRotatable: it was rotated before, is revoked or has expired.
    """
    try:
        issued = await tenants.rotate(tenant, key_id, timedelta(seconds=data.overlap_seconds))
    except (KeyReplacedError, KeyExpiredError) as error:
        raise NotRotatable(f"{error}.") from error
    if issued is None:
        raise _unknown(key_id)
    return issued_answer(issued)


async def expire(tenants: TenantStore, tenant: str, key_id: str, data: ExpireRequest) -> KeyAnswer:
    """Set when a key expires.

    Raises:
        UnknownKey: the tenant has no such key, or it is revoked, expired or replaced by another.
    """
    key = await tenants.expire(tenant, key_id, data.lifetime)
    if key is None:
        raise _unknown(key_id)
    return key_answer(key)


async def revoke(tenants: TenantStore, tenant: str, key_id: str) -> None:
    """Revoke a key.

    Raises:
        UnknownKey: the tenant has no such key, or it was revoked before.
    """
    if not await tenants.revoke(tenant, key_id):
        raise _unknown(key_id)


def _unknown(key_id: str) -> UnknownKey:
    return UnknownKey(f"There is no valid key {key_id!r}. GET the list for the ids.")
