"""An identity provider by OpenID Connect: its addresses by discovery, and the code of a sign-in in exchange for tokens."""

import time
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import httpx
import orjson

from runtime.platform.jwks import FETCH_SECONDS, SIZE_LIMIT, UNREACHABLE, fetch_limited
from runtime.platform.loopback import LOOPBACK
from runtime.platform.settings import Settings
from runtime.platform.telemetry.logging import get_logger

__all__ = ["OidcError", "OidcProvider"]

log = get_logger("tempor8.oidc")

WELL_KNOWN: Final = "/.well-known/openid-configuration"
FRESH_SECONDS: Final = 600.0
AWAY: Final = "The identity provider does not answer as OpenID Connect says. Try again, or sign in with an API key."


class OidcError(Exception):
    """The provider is away, or refuses. The message says what to do, and nothing secret."""


@dataclass(frozen=True)
class _Addresses:
    authorization: str
    token: str


class OidcProvider:
    """The provider of the settings.

    Args:
        issuer: its address.
        client_id: of this service at the provider.
        client_secret: likewise; None: a public client, which PKCE protects.
        scope: what is asked for, words with spaces between.
    """

    def __init__(self, issuer: str, client_id: str, client_secret: str | None, scope: str) -> None:
        self._issuer, self._client_id, self._secret, self._scope = issuer.rstrip("/"), client_id, client_secret, scope
        self._known: tuple[float, _Addresses] | None = None

    @classmethod
    def of(cls, settings: Settings) -> "OidcProvider | None":
        """Return the provider; None: none is configured."""
        if not settings.oidc_client_id or not settings.jwt_issuer:
            return None
        secret = settings.oidc_client_secret.get_secret_value() if settings.oidc_client_secret else None
        return cls(settings.jwt_issuer, settings.oidc_client_id, secret, settings.oidc_scope)

    @property
    def name(self) -> str:
        """Return what people know it by: its host."""
        return urlsplit(self._issuer).hostname or self._issuer

    async def authorization_url(self, redirect: str, state: str, challenge: str) -> str:
        """Return where a browser signs in. Raises OidcError."""
        query = {
            "response_type": "code", "client_id": self._client_id, "redirect_uri": redirect, "scope": self._scope, "state": state,
            "code_challenge": challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        address = (await self._addresses()).authorization
        return f"{address}{'&' if '?' in address else '?'}{urlencode(query)}"

    async def exchange(self, code: str, redirect: str, verifier: str) -> list[str]:
        """Return the tokens that a code is worth, the access token first. Raises OidcError."""
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": redirect, "client_id": self._client_id,
            "code_verifier": verifier,
        }  # fmt: skip
        auth = httpx.BasicAuth(self._client_id, self._secret) if self._secret else None
        address = (await self._addresses()).token
        try:
            async with httpx.AsyncClient(auth=auth, timeout=FETCH_SECONDS, follow_redirects=False) as client:
                answer = await client.post(address, data=form, headers={"Accept": "application/json"})
            document = orjson.loads(answer.content[:SIZE_LIMIT])
        except (*UNREACHABLE, ValueError) as error:
            raise self._away(error) from error
        if answer.status_code != httpx.codes.OK or not isinstance(document, dict):
            raise OidcError("The identity provider refused the sign-in. Begin it once more.")
        return [str(document[name]) for name in ("access_token", "id_token") if document.get(name)]

    async def _addresses(self) -> _Addresses:
        if self._known is not None and time.monotonic() - self._known[0] < FRESH_SECONDS:
            return self._known[1]
        try:
            found = _addresses_of(orjson.loads(await fetch_limited(self._issuer + WELL_KNOWN)), self._issuer)
        except (*UNREACHABLE, ValueError, KeyError, TypeError) as error:
            raise self._away(error) from error
        self._known = (time.monotonic(), found)
        return found

    def _away(self, error: Exception) -> OidcError:
        log.warning("identity provider", issuer=self._issuer, reason=repr(error)[:200])
        return OidcError(AWAY)


def _addresses_of(document: dict[str, Any], issuer: str) -> _Addresses:
    """Return the addresses that a provider describes. Raises ValueError, KeyError, TypeError."""
    if str(document["issuer"]).rstrip("/") != issuer:
        raise ValueError("another issuer")
    return _Addresses(_safe(document["authorization_endpoint"]), _safe(document["token_endpoint"]))


def _safe(address: Any) -> str:
    """Return an address at which nobody on the way listens. Raises ValueError."""
    parts = urlsplit(str(address))
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ValueError("an address of the provider is not https")
    return str(address)
