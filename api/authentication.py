"""Authentication: the API key (or JWT) of a request decides the tenant. Every route needs one unless it is public."""

import hashlib
import hmac
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from api.access import OPERATOR
from api.problems import Unauthorized
from api.request_ids import request_id_of
from api.single_flight import SingleFlight
from api.tokens import Tokens
from runtime.platform.postgres import SHARED
from runtime.platform.telemetry.logging import begin_context, bind_context
from schemas.names import tenant_of
from service.api_keys import ApiKey, KeyScope, tenant_of_key
from service.audit import ActorKind
from service.key_uses import KeyUses
from service.tenants import TenantStore
from service.trace_context import bind_caller

__all__ = [
    "PREFLIGHT",
    "PUBLIC",
    "SESSION_KEY",
    "Authentication",
    "OperatorKey",
    "Principal",
    "Verifier",
    "is_public",
    "secret_of",
]

PUBLIC: Final = {"public": True}
"""`opt=PUBLIC` on a handler: no key is needed."""
SESSION_KEY: Final = "session_key"
"""Key of a request's state: the API key of the console's session that it belongs to; it goes before what headers say."""
PREFLIGHT: Final = {"preflight": True}
"""`opt=PREFLIGHT` on a handler of OPTIONS among other methods: none is needed for OPTIONS."""
KEY_CACHE_SECONDS: Final = 30.0
"""Seconds for which a verified key is not looked up again while notices arrive: one of them drops what was revoked."""
UNNOTIFIED_SECONDS: Final = 5.0
"""The same while none can arrive, and for tokens: a revoked key then works this long at most."""
MAX_CACHED_KEYS: Final = 10_000
"""Verified keys that are in memory."""
NO_KEY: Final = "Send an API key as `Authorization: Bearer <key>` or `X-API-Key: <key>`."
BAD_KEY: Final = "The API key is unknown, expired or revoked."
NOT_THE_OPERATOR: Final = (
    "This address is the operator's: send TEMPOR8_OPERATOR_KEY of the service as `Authorization: Bearer`."
)


@dataclass(frozen=True, slots=True)
class Principal:
    """A verified caller."""

    tenant: str
    key: str
    """The id of the API key, or the subject of the token: for logs and `created_by`."""
    scopes: frozenset[KeyScope]
    kind: ActorKind = ActorKind.KEY
    name: str = ""
    """What the API key is for, in the tenant's words."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A verified caller, when that was, and when it has to be verified again at the latest."""

    principal: Principal
    at: float
    until: float


class Verifier:
    """Verifies keys and tokens, with a short-lived cache so that a busy client costs no query.

    `forget` is called for each notification about a tenant. While none can arrive (`connected` is False), and for what is
    looked up while one arrives, nothing is remembered for longer than `UNNOTIFIED_SECONDS`.
    """

    def __init__(self, tenants: TenantStore, tokens: Tokens | None = None) -> None:
        self._tenants, self._tokens = tenants, tokens
        self._flights: SingleFlight[tuple[int, str], tuple[Principal, float]] = SingleFlight()
        self._verified: dict[str, Verified] = {}
        self._generation = 0
        self.connected = False

    def forget(self, tenant: str | None = None) -> None:
        """Drop the verified keys of a tenant; None: all of them."""
        self._generation += 1
        if tenant is None:
            self._verified.clear()
        for secret in [each for each, known in self._verified.items() if known.principal.tenant == tenant]:
            del self._verified[secret]

    async def verify(self, secret: str) -> Principal:
        """Return the caller behind a key or token.

        Raises:
            Unauthorized: it is unknown, expired or revoked.
            DatabaseUnavailable: it cannot be verified.
        """
        now, generation = time.monotonic(), self._generation
        cached = self._verified.get(secret)
        if cached is not None and now < cached.until and (self.connected or now < cached.at + UNNOTIFIED_SECONDS):
            return cached.principal
        principal, seconds = await self._flights.do(
            (generation, secret), lambda: self._look_up(secret)
        )  # one that began before a notification is not joined after it
        if len(self._verified) > MAX_CACHED_KEYS:
            self._verified.clear()
        if generation == self._generation:
            self._verified[secret] = Verified(principal, now, now + seconds)
        return principal

    async def _look_up(self, secret: str) -> tuple[Principal, float]:
        """Return the caller, and for how many seconds this may be remembered."""
        if tenant_of_key(secret) is not None:
            api_key = await self._tenants.verify(secret)
            if api_key is not None:
                return _principal_of(api_key), _remembered(api_key.expires_at)
        elif self._tokens is not None and secret.count(".") == 2:
            token = await self._tokens.verify(secret)
            if not await self._tenants.accepts(token.tenant):
                raise Unauthorized("The token names a tenant that does not exist.")
            principal = Principal(token.tenant, token.subject, token.scopes, ActorKind.TOKEN)
            return principal, min(UNNOTIFIED_SECONDS, token.seconds_left)
        raise Unauthorized(BAD_KEY)


class OperatorKey:
    """The key of the operator's plane, compared in constant time. None: nobody is let in."""

    def __init__(self, key: str | None) -> None:
        self._digest = _digest(key) if key is not None else None

    def verify(self, secret: str) -> Principal:
        """Return the operator as a caller.

        Raises:
            Unauthorized: the key is another one, or the service has none.
        """
        if self._digest is None or not hmac.compare_digest(self._digest, _digest(secret)):
            raise Unauthorized(NOT_THE_OPERATOR)
        return Principal(SHARED, "operator", frozenset(), ActorKind.OPERATOR)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


def _principal_of(key: ApiKey) -> Principal:
    return Principal(key.tenant, key.id, key.scopes, name=key.name)


def _remembered(expires_at: datetime | None) -> float:
    if expires_at is None:
        return KEY_CACHE_SECONDS
    return min(KEY_CACHE_SECONDS, (expires_at - datetime.now(UTC)).total_seconds())


def secret_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """Return the key of a request.

    Raises:
        Unauthorized: it has none.
    """
    if (session_key := connection.scope["state"].get(SESSION_KEY)) is not None:
        return str(session_key)
    scheme, _, value = connection.headers.get("authorization", "").partition(" ")
    secret = value.strip() if scheme.lower() == "bearer" else connection.headers.get("x-api-key", "").strip()
    if not secret:
        raise Unauthorized(NO_KEY)
    return secret


def is_public(scope: Scope) -> bool:
    """Return whether a request needs no key."""
    opt = scope["route_handler"].opt
    return bool(opt.get("public") or (opt.get("preflight") and scope.get("method") == "OPTIONS"))


def _header(scope: Scope, name: bytes) -> str | None:
    return next((value.decode("latin-1") for each, value in scope["headers"] if each == name), None)


class Authentication(ASGIMiddleware):
    """Puts the `Principal` into `request.user`, or answers 401. Keys of tenants open nothing of the operator's, nor the reverse."""

    def __init__(self, verifier: Verifier, operator: OperatorKey, uses: KeyUses) -> None:
        self._verifier, self._operator, self._uses = verifier, operator, uses

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Authenticate a request to a route that is not public, and pass it on."""
        begin_context()
        bind_context(request_id=request_id_of(scope))
        bind_caller(_header(scope, b"traceparent"))
        if scope["type"] == ScopeType.HTTP and not is_public(scope):
            connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection(scope)
            scope["user"] = principal = await self._principal(connection, scope)
            bind_context(tenant=principal.tenant)
            workflow_id = scope["path_params"].get("workflow_id", "")
            if tenant_of(workflow_id) == principal.tenant:
                bind_context(workflow_id=workflow_id)
            scope["auth"] = None
        await next_app(scope, receive, send)

    async def _principal(self, connection: ASGIConnection[Any, Any, Any, Any], scope: Scope) -> Principal:
        secret = secret_of(connection)
        if scope["route_handler"].opt.get(OPERATOR):
            return self._operator.verify(secret)
        principal = await self._verifier.verify(secret)
        if principal.kind is ActorKind.KEY:
            self._uses.note(principal.tenant, principal.key)
        return principal
