"""Who is asking: the API key (or JWT) of a request decides the tenant. Every route needs one unless it is public."""

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
"""`opt=PUBLIC` on a handler: no key is asked for."""
TRUST: Final = 5.0
"""Seconds for which a verified key is not looked up again: a revoked one works this long at most."""
MISSING: Final = "Send an API key as `Authorization: Bearer <key>` or `X-API-Key: <key>`."
UNKNOWN: Final = "The API key is unknown, expired or revoked."


@dataclass(frozen=True, slots=True)
class Principal:
    """A verified caller."""

    tenant: str
    key: str
    """The id of the API key, or the subject of the token: for logs and `created_by`."""


class Verifier:
    """Keys and tokens to principals, with a short memory so that a busy client costs no query."""

    def __init__(self, tenants: TenantStore, tokens: Tokens | None = None) -> None:
        self._tenants, self._tokens = tenants, tokens
        self._known: dict[str, tuple[float, Principal]] = {}

    async def verify(self, secret: str) -> Principal:
        """The caller behind a key or token.

        Raises:
            Unauthorized: nobody.
            DatabaseUnavailable: it cannot be told.
        """
        now = time.monotonic()
        held = self._known.get(secret)
        if held is not None and now < held[0]:
            return held[1]
        principal = await self._look_up(secret)
        if len(self._known) > 10_000:
            self._known.clear()
        self._known[secret] = (now + TRUST, principal)
        return principal

    async def _look_up(self, secret: str) -> Principal:
        if tenant_of_key(secret) is not None:
            found = await self._tenants.verify(secret)
            if found is not None:
                return Principal(found.tenant, found.id)
        elif self._tokens is not None and secret.count(".") == 2:
            return Principal(*self._tokens.verify(secret))
        raise Unauthorized(UNKNOWN)


def secret_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """The key that came with a request.

    Raises:
        Unauthorized: none did.
    """
    scheme, _, value = connection.headers.get("authorization", "").partition(" ")
    secret = value.strip() if scheme.lower() == "bearer" else connection.headers.get("x-api-key", "").strip()
    if not secret:
        raise Unauthorized(MISSING)
    return secret


class Authentication(ASGIMiddleware):
    """Puts the `Principal` into `request.user`, or answers 401."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """See base class."""
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
