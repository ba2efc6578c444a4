"""JSON web tokens: in the place of API keys, and for callers of webhooks."""

from typing import TYPE_CHECKING, Any, Final

from api.problems import Unauthorized
from runtime.platform.settings import Settings

if TYPE_CHECKING:
    from joserfc.errors import JoseError
    from joserfc.jwk import Key

__all__ = ["TokenError", "Tokens", "check_token", "key_of"]

SHARED_SECRET: Final = ("HS256", "HS384", "HS512")
PUBLIC_KEY: Final = {
    "RSAKey": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "ECKey": ("ES256", "ES384", "ES512"),
    "OKPKey": ("EdDSA", "Ed25519"),
}
"""Kinds of PEM keys, as joserfc calls them, and what they sign. joserfc is loaded when the first token comes."""


class TokenError(Exception):
    """A token is not valid; the message is the one of n8n's webhook."""


def key_of(secret: str) -> tuple["Key", tuple[str, ...]]:
    """Return the key in a setting or credential (PEM, or a shared secret), and the algorithms that fit it.

    A public key never verifies HMAC, so a token cannot be signed with a public key.
    """
    from joserfc import jwk  # noqa: PLC0415
    from joserfc.errors import JoseError  # noqa: PLC0415

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
    from joserfc import jwt  # noqa: PLC0415
    from joserfc.errors import BadSignatureError, ExpiredTokenError, JoseError  # noqa: PLC0415

    key, algorithms = key_of(secret)
    if algorithm is not None:
        algorithms = tuple(each for each in algorithms if each == algorithm)
    if token.count(".") != 2:
        raise TokenError("jwt malformed")
    try:
        decoded = jwt.decode(token, key, algorithms=list(algorithms))
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


class Tokens:
    """Tokens of an identity provider in the place of API keys, as the settings describe them."""

    def __init__(self, key: str, *, issuer: str | None, audience: str | None, tenant_claim: str) -> None:
        self._key, self._issuer, self._audience, self._claim = key, issuer, audience, tenant_claim

    @classmethod
    def of(cls, settings: Settings) -> "Tokens | None":
        """Return the verifier of the settings; None when they have no key for tokens."""
        if settings.jwt_key is None:
            return None
        return cls(
            settings.jwt_key.get_secret_value(),
            issuer=settings.jwt_issuer,
            audience=settings.jwt_audience,
            tenant_claim=settings.jwt_tenant_claim,
        )

    def verify(self, token: str) -> tuple[str, str]:
        """Return (tenant, subject) of a token that has not expired and is for this service.

        Raises:
            Unauthorized: the token is not valid, or lacks a claim.
        """
        try:
            claims = check_token(token, self._key)
        except TokenError as error:
            raise Unauthorized(f"The token is not accepted: {error}.") from None
        if self._issuer is not None and claims.get("iss") != self._issuer:
            raise Unauthorized("The token is of another issuer.")
        audience = claims.get("aud")
        if self._audience is not None and self._audience not in (
            audience if isinstance(audience, list) else [audience]
        ):
            raise Unauthorized("The token is meant for another audience.")
        tenant = claims.get(self._claim)
        if "exp" not in claims or not isinstance(tenant, str) or not tenant or tenant == "*":
            raise Unauthorized(f"The token needs the claims exp and {self._claim}.")
        return tenant, str(claims.get("sub", ""))
