"""OAuth2 tokens (RFC 6749) as n8n asks for them: client credentials, refresh, and Google's service accounts (RFC 7523)."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from runtime.http.answer import content_type, decode, parse_json
from runtime.http.body import Form
from runtime.http.credentials import Credential, CredentialError
from runtime.http.exchange import Sender
from runtime.http.request import Request

_ACCEPT = "application/json, application/x-www-form-urlencoded"
_GOOGLE_TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
_REVOKED = (
    "Access could not be refreshed because the connected account has revoked access, the refresh token expired, or the "
    "account password or permissions changed. Open the credential and reconnect it to continue."
)
_ERRORS = {
    "invalid_client": (
        "Client authentication failed (e.g., unknown client, no client authentication included, or unsupported "
        "authentication method)."
    ),
    "invalid_grant": (
        "The provided authorization grant (e.g., authorization code, resource owner credentials) or refresh token is "
        "invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued "
        "to another client."
    ),
    "invalid_request": (
        "The request is missing a required parameter, includes an invalid parameter value, includes a parameter more "
        "than once, or is otherwise malformed."
    ),
    "invalid_scope": "The requested scope is invalid, unknown, or malformed.",
    "unauthorized_client": "The client is not authorized to request an access token using this method.",
    "unsupported_grant_type": "The authorization grant type is not supported by the authorization server.",
}


async def ensure_token(send: Sender, credential: Credential) -> None:
    """Fetch a token for a client-credentials credential that has none. Raise CredentialError."""
    data = credential.data
    token = data.get("oauthTokenData")
    if isinstance(token, str):
        token = data["oauthTokenData"] = json.loads(token or "{}")
    if token is None:
        raise CredentialError("Cannot read properties of null (reading 'accessToken')")
    if data.get("grantType") == "clientCredentials" and not token:
        await _client_credentials(send, data)
    elif not token.get("access_token"):
        raise CredentialError("Unable to sign without access token")


async def renew(send: Sender, credential: Credential) -> None:
    """Return a new access token in place of one that was refused. Raise CredentialError."""
    data = credential.data
    if data.get("grantType") == "clientCredentials":
        await _client_credentials(send, data)
        return
    old = data.get("oauthTokenData") or {}
    if not old.get("refresh_token"):
        raise CredentialError(
            "OAuth access token expired and no refresh token is available. Please reconnect the credentials."
        )
    try:
        token = await _token(send, data, {"refresh_token": old["refresh_token"], "grant_type": "refresh_token"})
    except CredentialError as error:
        message = f'The credential "{credential.type}" needs to be reconnected.'
        raise CredentialError(message, _REVOKED) from error
    data["oauthTokenData"] = {**old, **token}


async def _client_credentials(send: Sender, data: dict[str, Any]) -> None:
    fields: dict[str, Any] = {"grant_type": "client_credentials"}
    if data.get("sendAdditionalBodyProperties"):
        fields |= parse_json(data.get("additionalBodyProperties") or "{}")
    if data.get("scope"):
        fields["scope"] = data["scope"]
    try:
        data["oauthTokenData"] = await _token(send, data, fields)
    except CredentialError as error:
        raise CredentialError(f"Failed to acquire OAuth2 access token: {error}", str(error)) from error
    if not data["oauthTokenData"].get("access_token"):
        raise CredentialError("Unable to sign without access token")


async def _token(send: Sender, data: Mapping[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    request = Request("POST", str(data.get("accessTokenUrl") or ""), headers={"Accept": _ACCEPT})
    client = (str(data.get("clientId") or ""), str(data.get("clientSecret") or ""))
    if data.get("authentication") == "body":
        fields = fields | {"client_id": client[0], "client_secret": client[1]}
    else:
        request.basic(*client)
    request.body = Form(fields)
    answer = await send(request.encode())
    return _token_answer(answer.status, answer.headers, answer.body)


def _token_answer(status: int, headers: Any, body: bytes) -> dict[str, Any]:
    text = decode(body, None)
    try:
        fields = parse_json(text)
    except ValueError:
        form = content_type(headers)[0].endswith("x-www-form-urlencoded")
        fields = {key: each[-1] for key, each in parse_qs(text).items()} if form else {}
    fields = fields if isinstance(fields, dict) else {}
    if status >= 400 or "error" in fields:
        raise CredentialError(
            _ERRORS.get(str(fields.get("error")), str(fields.get("error") or f"HTTP status {status}"))
        )
    return fields


async def service_account_token(send: Sender, data: Mapping[str, Any], now: float) -> str:
    """Return an access token for a Google service account, from a signed assertion. `now` in milliseconds."""
    from joserfc import jwt  # noqa: PLC0415 - heavy, and few nodes need it
    from joserfc.errors import JoseError  # noqa: PLC0415
    from joserfc.jwk import RSAKey  # noqa: PLC0415

    seconds = int(now // 1000)
    claims = {
        "iss": data.get("email"),
        "sub": (data.get("delegatedEmail") if data.get("inpersonate") else None) or data.get("email"),
        "scope": " ".join(str(data.get("scopes") or "").replace(",", " ").replace("\n", " ").split()),
        "aud": _GOOGLE_TOKEN_URL,
        "iat": seconds,
        "exp": seconds + 3600,
    }
    key = str(data.get("privateKey") or "").replace("\\n", "\n").strip()
    try:
        assertion = jwt.encode({"alg": "RS256", "typ": "JWT"}, claims, RSAKey.import_key(key))
    except (JoseError, ValueError, TypeError) as error:
        raise CredentialError("secretOrPrivateKey must be an asymmetric key when using RS256") from error
    request = Request("POST", _GOOGLE_TOKEN_URL)
    request.body = Form({"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion})
    answer = await send(request.encode())
    token: str = _token_answer(answer.status, answer.headers, answer.body).get("access_token", "")
    return token
