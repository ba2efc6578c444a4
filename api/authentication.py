"""Authentication: the API key (or JWT) of a request decides the tenant. Every route needs one unless it is public."""

import time
from dataclasses import dataclass
from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from api.problems import Unauthorized
from api.tokens import Tokens
from runtime.platform.telemetry.logging import begin_context, bind_context
from schemas.names import tenant_of
from service.tenants import TenantStore, tenant_of_key

__all__ = ["PUBLIC", "Authentication", "Principal", "Verifier"]

PUBLIC: Final = {"public": True}
"""`opt=PUBLIC` on a handler: no key is needed."""
KEY_CACHE_SECONDS: Final = 5.0
"""Seconds for which a verified key is not looked up again: a revoked key works this long at most."""
MAX_CACHED_KEYS: Final = 10_000
"""Verified keys that are in memory."""
NO_KEY: Final = "Send an API key as `Authorization: Bearer <key>` or `X-API-Key: <key>`."
BAD_KEY: Final = "The API key is unknown, expired or revoked."


@dataclass(frozen=True, slots=True)
class Principal:
    """A verified caller."""

    tenant: str
    key: str
    """The id of the API key, or the subject of the token: for logs and `created_by`."""


class Verifier:
    """Verifies keys and tokens, with a short-lived cache so that a busy client costs no query."""

    def __init__(self, tenants: TenantStore, tokens: Tokens | None = None) -> None:
        self._tenants, self._tokens = tenants, tokens
        self._verified: dict[str, tuple[float, Principal]] = {}

    async def verify(self, secret: str) -> Principal:
        """Return the caller behind a key or token.

        Raises:
            Unauthorized: it is unknown, expired or revoked.
            DatabaseUnavailable: it cannot be verified.
        """
        now = time.monotonic()
        cached = self._verified.get(secret)
        if cached is not None and now < cached[0]:
            return cached[1]
        principal = await self._look_up(secret)
        if len(self._verified) > MAX_CACHED_KEYS:
            self._verified.clear()
        self._verified[secret] = (now + KEY_CACHE_SECONDS, principal)
        return principal

    async def _look_up(self, secret: str) -> Principal:
        if tenant_of_key(secret) is not None:
            api_key = await self._tenants.verify(secret)
            if api_key is not None:
                return Principal(api_key.tenant, api_key.id)
        elif self._tokens is not None and secret.count(".") == 2:
            return Principal(*self._tokens.verify(secret))
        raise Unauthorized(BAD_KEY)


def secret_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """Return the key of a request.

    Raises:
        Unauthorized: it has none.
    """
    scheme, _, value = connection.headers.get("authorization", "").partition(" ")
    secret = value.strip() if scheme.lower() == "bearer" else connection.headers.get("x-api-key", "").strip()
    if not secret:
        raise Unauthorized(NO_KEY)
    return secret


class Authentication(ASGIMiddleware):
    """Puts the `Principal` into `request.user`, or answers 401."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Authenticate a request to a route that is not public, and pass it on."""
        begin_context()
        if scope["type"] == ScopeType.HTTP and not scope["route_handler"].opt.get("public"):
            connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection(scope)
            scope["user"] = principal = await self._verifier.verify(secret_of(connection))
            bind_context(tenant=principal.tenant)
            workflow_id = scope["path_params"].get("workflow_id", "")
            if tenant_of(workflow_id) == principal.tenant:
                bind_context(workflow_id=workflow_id)
            scope["auth"] = None
        await next_app(scope, receive, send)
