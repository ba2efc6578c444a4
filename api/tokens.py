"""JSON web tokens: in the place of API keys, and for callers of webhooks."""

import base64
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from api.problems import Unauthorized
from runtime.platform.jwks import Jwks
from runtime.platform.settings import Settings
from service.api_keys import TENANT_ID, KeyScope, scopes_of

if TYPE_CHECKING:
    from joserfc.errors import JoseError
    from joserfc.jwk import Key

__all__ = ["TokenCaller", "TokenError", "Tokens", "check_token", "key_of"]

SHARED_SECRET: Final = ("HS256", "HS384", "HS512")
PUBLIC_KEY: Final = {
    "RSAKey": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "ECKey": ("ES256", "ES384", "ES512"),
    "OKPKey": ("EdDSA", "Ed25519"),
}
"""Kinds of PEM keys, as joserfc calls them, and what they sign. joserfc is loaded when the first token comes."""
JWKS_ALGORITHMS: Final = {
    "RS256": ("RSA", None), "ES256": ("EC", "P-256"), "EdDSA": ("OKP", "Ed25519"), "Ed25519": ("OKP", "Ed25519"),
}  # fmt: skip
"""Algorithms that a token of a key set may have -> the kind and the curve of the key that each needs."""
EDWARDS: Final = frozenset({"EdDSA", "Ed25519"})
"""Two names of one algorithm: RFC 8037 and RFC 9864."""
PUBLIC_MEMBERS: Final = frozenset({"kty", "kid", "n", "e", "crv", "x", "y"})
"""Members of a JWK that a verifier reads; `key_ops` and private ones are left out."""
MIN_RSA_BITS: Final = 2048


class TokenError(Exception):
    """A token is not valid; the message is the one of n8n's webhook."""


def key_of(secret: str) -> tuple["Key", tuple[str, ...]]:
    """Return the key in a setting or credential (PEM, or a shared secret), and the algorithms that fit it.

    A public key never verifies HMAC, so a token cannot be signed with a public key.
    """
    from joserfc import jwk  # noqa: PLC0415
    from joserfc.errors import JoseError  # noqa: PLC0415

    if not secret:
        raise TokenError("the key is empty")
    if "-----BEGIN" not in secret:
        return jwk.OctKey.import_key(secret), SHARED_SECRET
    for kind, algorithms in PUBLIC_KEY.items():
        try:
            return getattr(jwk, kind).import_key(secret), algorithms
        except (JoseError, ValueError, TypeError):
            continue
    raise TokenError("the key is not a PEM key of a kind that signs tokens")


def check_token(token: str, secret: str, algorithm: str | None = None) -> dict[str, Any]:
    """Return the claims of a valid token.

    Args:
        token: the compact form.
        secret: see `key_of`.
        algorithm: the only one that is taken; None: any that fits the key.

    Raises:
        TokenError: `jwt malformed`, `invalid signature`, `jwt expired`, ...
    """
    key, algorithms = key_of(secret)
    if algorithm is not None:
        algorithms = tuple(each for each in algorithms if each == algorithm)
    return _decode(token, key, algorithms)


def _decode(token: str, key: "Key", algorithms: tuple[str, ...]) -> dict[str, Any]:
    from joserfc import jwt  # noqa: PLC0415
    from joserfc.errors import BadSignatureError, ExpiredTokenError, JoseError  # noqa: PLC0415

    if token.count(".") != 2:
        raise TokenError("jwt malformed")
    try:
        decoded = jwt.decode(token, key, algorithms=list(algorithms))
        if "crit" in decoded.header:  # whatever an issuer calls critical, we do not know
            raise TokenError("invalid token")
        jwt.JWTClaimsRegistry().validate(decoded.claims)
    except BadSignatureError:
        raise TokenError("invalid signature") from None
    except ExpiredTokenError:
        raise TokenError("jwt expired") from None
    except JoseError as error:
        raise TokenError(_n8n(error)) from None
    except (ValueError, TypeError):
        raise TokenError("invalid token") from None
    return decoded.claims


def _n8n(error: "JoseError") -> str:
    return {"unsupported_algorithm": "invalid algorithm", "invalid_claim": "jwt not active"}.get(
        error.error, "invalid token"
    )


@dataclass(frozen=True, slots=True)
class TokenCaller:
    """Who a token says that it is, and what it may do."""

    tenant: str
    subject: str
    scopes: frozenset[KeyScope]
    seconds_left: float
    """Until it expires."""


class Tokens:
    """Tokens of an identity provider in the place of API keys, as the settings describe them.

    Args:
        key: PEM or a shared secret; None: `jwks` has the keys.
        jwks: the provider's key set.
        issuer: the `iss` that a token must have; None, which a key set does not allow: any.
        audience: likewise, for `aud`.
        tenant_claim: the claim that names the tenant.
    """

    def __init__(
        self,
        key: str | None,
        jwks: Jwks | None = None,
        *,
        issuer: str | None,
        audience: str | None,
        tenant_claim: str,
    ) -> None:
        self._key, self._jwks = key, jwks
        self._issuer, self._audience, self._claim = issuer, audience, tenant_claim

    @classmethod
    def of(cls, settings: Settings) -> "Tokens | None":
        """Return the verifier of the settings; None when they have no key for tokens."""
        jwks = Jwks.of(settings)
        if settings.jwt_key is None and jwks is None:
            return None
        return cls(
            settings.jwt_key.get_secret_value() if settings.jwt_key else None,
            jwks,
            issuer=settings.jwt_issuer,
            audience=settings.jwt_audience,
            tenant_claim=settings.jwt_tenant_claim,
        )

    async def verify(self, token: str) -> TokenCaller:
        """Return the caller of a token that has not expired and is for this service. Whether the tenant exists is not checked.

        Raises:
            Unauthorized: the token is not valid, or lacks a claim.
            JwksUnavailable: the keys of the identity provider cannot be read.
        """
        try:
            claims = await self._claims(token)
        except TokenError as error:
            raise Unauthorized(f"The token is not accepted: {error}.") from None
        if self._issuer is not None and claims.get("iss") != self._issuer:
            raise Unauthorized("The token is of another issuer.")
        audience = claims.get("aud")
        if self._audience is not None and self._audience not in (
            audience if isinstance(audience, list) else [audience]
        ):
            raise Unauthorized("The token is meant for another audience.")
        tenant, expiry = claims.get(self._claim), claims.get("exp")
        if expiry is None or not isinstance(tenant, str) or not TENANT_ID.fullmatch(tenant):
            raise Unauthorized(f"The token needs the claims exp and {self._claim}, the latter a tenant's id.")
        return TokenCaller(tenant, str(claims.get("sub", "")), _scopes(claims), expiry - time.time())

    async def _claims(self, token: str) -> dict[str, Any]:
        if self._jwks is None:
            assert self._key is not None  # see `of`
            return check_token(token, self._key)
        kid, algorithm = _header(token)
        jwk_ = await self._jwks.key(kid)
        if jwk_ is None:
            raise TokenError("the key that signed it is unknown")
        return _decode(token, _public_key(jwk_, algorithm), (algorithm,))


def _scopes(claims: dict[str, Any]) -> frozenset[KeyScope]:
    """Return the scopes of the claim `scope` (RFC 8693): words with spaces between, or a list; without it there are none."""
    value = claims.get("scope", "")
    words = value.split() if isinstance(value, str) else value if isinstance(value, list) else []
    return scopes_of([each for each in words if isinstance(each, str)])


def _header(token: str) -> tuple[str, str]:
    """Return key id and algorithm that a token claims. Raises TokenError."""
    try:
        encoded = token.partition(".")[0]
        header = orjson.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
        kid, algorithm = header["kid"], header["alg"]
    except (ValueError, TypeError, KeyError, UnicodeEncodeError):
        raise TokenError("its header has no kid or no alg") from None
    if not isinstance(kid, str) or not isinstance(algorithm, str) or algorithm not in JWKS_ALGORITHMS:
        raise TokenError("invalid algorithm")
    return kid, algorithm


def _public_key(jwk_: dict[str, Any], algorithm: str) -> "Key":
    """Return the key of a key set for an algorithm. Raises TokenError when it is another kind of key, or a weak one."""
    from joserfc import jwk  # noqa: PLC0415
    from joserfc.errors import JoseError  # noqa: PLC0415

    if (jwk_.get("kty"), jwk_.get("crv")) != JWKS_ALGORITHMS[algorithm] or jwk_.get("use", "sig") != "sig":
        raise TokenError("invalid algorithm")
    if str(jwk_.get("alg", algorithm)) not in (EDWARDS if algorithm in EDWARDS else {algorithm}):
        raise TokenError("invalid algorithm")
    if algorithm == "RS256" and len(str(jwk_.get("n"))) * 6 < MIN_RSA_BITS:  # base64: six bits a character
        raise TokenError("the key that signed it is too short")
    try:
        return jwk.import_key({name: value for name, value in jwk_.items() if name in PUBLIC_MEMBERS})
    except (JoseError, ValueError, TypeError, KeyError):
        raise TokenError("the key that signed it is malformed") from None
