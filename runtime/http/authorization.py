"""The address at which the owner of an account allows its use (RFC 6749, section 4.1.1)."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from runtime.http.credentials import CredentialError, scheme

__all__ = ["authorization_url"]


def authorization_url(type_: str, data: Mapping[str, Any], redirect: str, state: str, challenge: str) -> str:
    """Return where the browser of the owner goes.

    Args:
        type_: n8n's type of the credential.
        data: its fields, with those that its type knows.
        redirect: where the authorization server sends the browser back to.
        state: comes back with it.
        challenge: code challenge (RFC 7636); "": none.

    Raises:
        CredentialError: the credential has no account, or lacks a field.
    """
    if scheme(type_) != "oauth2":
        raise CredentialError(f"Credentials of the type {type_} have no account that is connected: set their fields")
    if data.get("grantType") == "clientCredentials":
        raise CredentialError("Client credentials need no account: the token is fetched when a run needs it")
    for field in ("clientId", "authUrl", "accessTokenUrl"):
        if not data.get(field):
            raise CredentialError(
                f"The credential lacks the field {field!r}, or a field that it is made of. Set it with: tempor8 credentials set"
            )
    parts = urlsplit(str(data["authUrl"]))
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise CredentialError("The field 'authUrl' of the credential is no address of a web server")
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    query |= dict(parse_qsl(str(data.get("authQueryParameters") or ""), keep_blank_values=True))
    if query.get("response_type", "code") != "code":
        raise CredentialError(
            f"The vendor answers with {query['response_type']!r} instead of a code (implicit grant), which is not supported: set "
            'the field oauthTokenData to {"access_token": "..."}'
        )
    query |= {"client_id": str(data["clientId"]), "redirect_uri": redirect, "response_type": "code", "state": state}
    if data.get("scope"):
        query["scope"] = str(data["scope"])
    if challenge:
        query |= {"code_challenge": challenge, "code_challenge_method": "S256"}
    return urlunsplit(parts._replace(query=urlencode(query), fragment=""))
