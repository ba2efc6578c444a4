"""OAuth2 tokens (RFC 6749) as n8n asks for them: client credentials, refresh, authorization codes, and Google's service accounts (RFC 7523)."""

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from runtime.http.answer import content_type, decode, parse_json
from runtime.http.body import Form
from runtime.http.credentials import Credential, CredentialError, ReconnectError
from runtime.http.exchange import Sender
from runtime.http.oauth2_types import token_of
from runtime.http.request import Request

_ACCEPT = "application/json, application/x-www-form-urlencoded"
_GOOGLE_TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
AWAY = "temporarily_unavailable"
"""Code of an error of a token server that is down or busy."""
_AWAY = (429, *range(500, 600))
REVOKED = (
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
    if "oauthTokenData" in data and data["oauthTokenData"] is None:
        raise CredentialError("Cannot read properties of null (reading 'accessToken')")
    token = data["oauthTokenData"] = token_of(data)
    if (data.get("grantType") == "clientCredentials" and not token) or not token.get("access_token"):
        await renew(send, credential)


async def renew(send: Sender, credential: Credential) -> None:
    """Put a new access token in place of one that was refused, or of none. Raise CredentialError.

    Whoever keeps the credential decides who asks the server: one step for all that use the credential.
    """

    async def ask(data: Mapping[str, Any]) -> dict[str, Any]:
        return await new_token(send, credential.type, data)

    if credential.keeper is None:
        credential.data["oauthTokenData"] = await ask(credential.data)
    else:
        credential.data["oauthTokenData"] = await credential.keeper.renew(credential.type, credential.data, ask)


async def new_token(send: Sender, type_: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a new `oauthTokenData` from the token server, with what the old one has beside the new fields.

    Raises:
        ReconnectError: the account has to be connected again.
        CredentialError: the server refused for another reason.
    """
    if data.get("grantType") == "clientCredentials":
        return await _client_credentials(send, data)
    old = token_of(data)
    if not (old.get("access_token") or old.get("refresh_token")):
        raise ReconnectError("Unable to sign without access token", "No account is connected to the credential.")
    if not old.get("refresh_token"):
        raise ReconnectError(
            "OAuth access token expired and no refresh token is available. Please reconnect the credentials."
        )
    try:
        token = await _token(send, data, {"refresh_token": old["refresh_token"], "grant_type": "refresh_token"})
    except CredentialError as error:
        if error.code == AWAY:  # the account is as good as before
            raise
        message = f'The credential "{type_}" needs to be reconnected.'
        raise ReconnectError(message, REVOKED, is_final=error.code == "invalid_grant") from error
    return {**old, **token}


async def exchange_code(
    send: Sender, data: Mapping[str, Any], code: str, redirect: str, verifier: str
) -> dict[str, Any]:
    """Return the `oauthTokenData` that an authorization code is worth (RFC 6749, section 4.1.3).

    Args:
        send: sends the request.
        data: fields of the credential.
        code: what the authorization server gave to the browser.
        redirect: the address that it sent the browser to.
        verifier: of the code challenge (RFC 7636); "": there was none.

    Raises:
        CredentialError: the server refused, or its answer has no token.
    """
    fields = {"code": code, "grant_type": "authorization_code", "redirect_uri": redirect}
    token = await _token(send, data, fields | ({"code_verifier": verifier} if verifier else {}))
    if not token.get("access_token") and isinstance(token.get("authed_user"), dict):
        token = {**token["authed_user"], **token}  # Slack's, for scopes of a user alone
    if not token.get("access_token"):
        raise CredentialError("The answer of the token server has no access token")
    return token


async def _client_credentials(send: Sender, data: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {"grant_type": "client_credentials"}
    if data.get("sendAdditionalBodyProperties"):
        fields |= parse_json(data.get("additionalBodyProperties") or "{}")
    if data.get("scope"):
        fields["scope"] = data["scope"]
    try:
        token = await _token(send, data, fields)
    except CredentialError as error:
        raise CredentialError(f"Failed to acquire OAuth2 access token: {error}", str(error)) from error
    if not token.get("access_token"):
        raise CredentialError("Unable to sign without access token")
    return token


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
        code = str(fields.get("error") or "")
        if status in _AWAY:
            raise CredentialError(f"The token server answered with HTTP status {status}. Try again later.", code=AWAY)
        raise CredentialError(_ERRORS.get(code, code or f"HTTP status {status}"), code=code)
    return fields


async def service_account_token(send: Sender, credential: Credential, now: float) -> str:
    """Return an access token for a Google service account, kept for as long as it is valid. `now` in milliseconds.

    Raises:
        CredentialError: the key is none, or the server refused.
    """

    async def ask() -> tuple[str, float]:
        return await _assert(send, credential.data, now)

    if credential.keeper is None:
        return (await ask())[0]
    parts = [
        str(credential.data.get(name) or "")
        for name in ("email", "privateKey", "delegatedEmail", "inpersonate", "scopes")
    ]
    return await credential.keeper.token(hashlib.sha256("\0".join(parts).encode()).hexdigest(), ask)


async def _assert(send: Sender, data: Mapping[str, Any], now: float) -> tuple[str, float]:
    """Return a token for a signed assertion, and for how many seconds it is valid."""
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
    token = _token_answer(answer.status, answer.headers, answer.body)
    try:
        seconds_left = float(token.get("expires_in") or 0)
    except (TypeError, ValueError):
        seconds_left = 0.0
    return str(token.get("access_token") or ""), seconds_left
