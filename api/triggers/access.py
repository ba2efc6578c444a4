"""Who may call a webhook: the node's own authentication, its address list, bots, and cross-origin rules, as n8n's."""

import base64
import binascii
import hmac
import ipaddress
import re
from collections.abc import Mapping
from typing import Any, Final

from api.problems import Unavailable
from api.tokens import TokenError, check_token
from api.triggers.responses import HttpReply, Refusal, refusal
from runtime.platform.credentials import CredentialMissing, CredentialStore, CredentialsUnavailable
from schemas.plan import Step

__all__ = ["admit", "cors_headers", "preflight"]

CREDENTIAL_TYPES: Final = {
    "basicAuth": "httpBasicAuth",
    "bearerAuth": "httpBearerAuth",
    "headerAuth": "httpHeaderAuth",
    "jwtAuth": "jwtAuth",
}
_PRINTABLE: Final = re.compile(r"[\x20-\x7e]{1,2000}")
"""What of a request may be said again in the reply to it."""
WRONG_DATA: Final = "Authorization data is wrong!"
BOT: Final = re.compile(
    r"bot\b|bot[/_\-]|crawl|spider|slurp|scrape|preview|facebookexternalhit|whatsapp|embedly|curl|wget|python|httpx|"
    r"java/|go-http|ruby|perl|php|okhttp|axios|node-fetch|headless|lighthouse|monitor|postman",
    re.IGNORECASE,
)


async def admit(
    step: Step, tenant: str, headers: Mapping[str, str], client: str, credentials: CredentialStore
) -> dict[str, Any] | None:
    """Admit the caller, or refuse. Return the claims of a JWT, None for every other kind of authentication.

    Raises:
        Refusal: 401 or 403 in n8n's words.
    """
    options = step.parameters.get("options") or {}
    if options.get("ipWhitelist") and not _is_listed(client, str(options["ipWhitelist"])):
        raise Refusal(HttpReply(403, {}, b"IP is not allowed to access the webhook!"))
    if options.get("ignoreBots") and is_bot(headers.get("user-agent", "")):
        raise _refusal(403, WRONG_DATA)
    kind = step.parameters.get("authentication") or "none"
    if kind == "none":
        return None
    secret = await _secret(step, tenant, kind, credentials)
    if kind == "basicAuth":
        _basic(headers.get("authorization", ""), secret)
    elif kind == "bearerAuth":
        _token(headers.get("authorization", ""), secret)
    elif kind == "headerAuth":
        _header(headers, secret)
    else:
        return _jwt(headers.get("authorization", ""), secret)
    return None


async def _secret(step: Step, tenant: str, kind: str, credentials: CredentialStore) -> Mapping[str, Any]:
    type_ = CREDENTIAL_TYPES.get(kind)
    if type_ is None:
        raise refusal(500, f"Webhook authentication '{kind}' is not supported")
    reference = step.credentials.get(type_)
    if reference is None:
        raise refusal(500, "No authentication data defined on node!")
    try:
        return await credentials.get(tenant, type_, reference.name or reference.id or "")
    except CredentialMissing as error:
        raise refusal(500, "No authentication data defined on node!") from error
    except CredentialsUnavailable as error:
        raise Unavailable("vault", "The credential store does not answer.") from error


def _basic(authorization: str, secret: Mapping[str, Any]) -> None:
    scheme, _, value = authorization.partition(" ")
    try:
        user, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        user, colon, password = "", "", ""
    if scheme.lower() != "basic" or not colon:
        raise _refusal(401, "Authorization is required!")
    if not (_equal(user, secret.get("user", "")) & _equal(password, secret.get("password", ""))):
        raise _refusal(401, "Authentication data is wrong!")


def _header(headers: Mapping[str, str], secret: Mapping[str, Any]) -> None:
    if not _equal(headers.get(str(secret.get("name", "")).lower(), ""), secret.get("value", "")):
        raise _refusal(403, WRONG_DATA)


def _token(authorization: str, secret: Mapping[str, Any]) -> None:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not _equal(token.strip(), secret.get("token", "")):
        raise Refusal(HttpReply(401, {"www-authenticate": "Bearer"}, WRONG_DATA.encode()))


def _jwt(authorization: str, secret: Mapping[str, Any]) -> dict[str, Any]:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise _refusal(401, "No token provided")
    key = secret.get("publicKey") if secret.get("keyType") == "pemKey" else secret.get("secret")
    try:
        return check_token(token.strip(), str(key or ""), str(secret.get("algorithm") or "HS256"))
    except TokenError as error:
        raise _refusal(403, str(error)) from None


def _equal(value: str, secret: Any) -> bool:
    """Compare in constant time; an empty secret equals nothing."""
    return bool(secret) and hmac.compare_digest(value.encode(), str(secret).encode())


def _refusal(status: int, message: str) -> Refusal:
    return Refusal(HttpReply(status, {"www-authenticate": 'Basic realm="Webhook"'}, message.encode()))


def _is_listed(client: str, allow_list: str) -> bool:
    """Return whether an address is in n8n's comma-separated list of addresses and networks."""
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    for entry in allow_list.split(","):
        try:
            if address in ipaddress.ip_network(entry.strip(), strict=False):
                return True
        except ValueError:
            continue
    return False


def is_bot(user_agent: str) -> bool:
    """Return whether the caller says that it is a program; one that says nothing does not, as in n8n."""
    return BOT.search(user_agent) is not None


def cors_headers(step: Step, origin: str | None, methods: list[str]) -> dict[str, str]:
    """Return the headers for a browser on another origin. As in n8n, an origin that is not listed gets the first listed one.

    They never allow credentials: a page elsewhere calls as anybody could, without its visitor's cookies.
    """
    if not origin or not _PRINTABLE.fullmatch(origin):
        return {}
    options = step.parameters.get("options") or {}
    allowed = [each.strip() for each in str(options.get("allowedOrigins") or "*").split(",")]
    origin_header = origin if "*" in allowed or origin in allowed else allowed[0]
    return {
        "access-control-allow-methods": ", ".join(["OPTIONS", *methods]),
        "access-control-allow-origin": origin_header,
        "vary": "Origin",
    }


def preflight(step: Step | None, headers: Mapping[str, str], methods: list[str]) -> HttpReply:
    """Return the reply to OPTIONS; `step` None: nothing is there."""
    if step is None:
        return HttpReply(204, refused=True)
    reply = HttpReply(204, cors_headers(step, headers.get("origin"), methods))
    if reply.headers:
        reply.headers["access-control-max-age"] = "300"
        wanted = headers.get("access-control-request-headers", "")
        if wanted and _PRINTABLE.fullmatch(wanted):
            reply.headers["access-control-allow-headers"] = wanted
    return reply
