"""The tenant of a token exists, and nobody has asked for its deletion."""

import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from api.authentication import Verifier
from api.problems import Unauthorized
from api.tokens import Tokens
from runtime.platform.keys import Keyring
from runtime.platform.postgres import Database
from service.api_keys import KeyScope
from service.audit import ActorKind
from service.deletion_store import DeletionStore
from service.tenants import TenantStore

SECRET = "0123456789abcdef0123456789abcdef"


def token(tenant: str, **more: Any) -> str:
    claims = {"tenant_id": tenant, "sub": "ada", "scope": "read", "exp": int(time.time()) + 60} | more
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET))


@pytest.fixture
def verifier(database: Database, keys: Keyring) -> Verifier:
    """A verifier that takes tokens of a shared secret."""
    tokens = Tokens(SECRET, issuer=None, audience=None, tenant_claim="tenant_id")
    return Verifier(TenantStore(database, keys), tokens)


async def test_a_token_of_a_tenant_that_exists_is_let_in_with_its_scopes(
    verifier: Verifier, tenants: tuple[str, str]
) -> None:
    principal = await verifier.verify(token(tenants[0]))
    assert (principal.tenant, principal.key, principal.kind) == (tenants[0], "ada", ActorKind.TOKEN)
    assert principal.scopes == {KeyScope.READ}


@pytest.mark.parametrize("tenant", ["nobody", "*", "acme:evil", "acme\n", "..", "ACME"])
async def test_a_token_of_a_tenant_that_does_not_exist_is_refused(
    verifier: Verifier, tenants: tuple[str, str], tenant: str
) -> None:
    assert tenant not in tenants
    with pytest.raises(Unauthorized):
        await verifier.verify(token(tenant))


async def test_a_token_of_a_tenant_that_is_being_deleted_is_refused(
    verifier: Verifier, database: Database, keys: Keyring
) -> None:
    """As the keys of that tenant are; and it stays so when the tenant's row is gone."""
    await TenantStore(database, keys).create("short_lived")
    assert (await verifier.verify(token("short_lived"))).tenant == "short_lived"
    assert await DeletionStore(database).request_tenant("short_lived") is not None
    verifier.forget("short_lived")
    with pytest.raises(Unauthorized):
        await verifier.verify(token("short_lived"))
