"""A request with a credential: sign it, send it, and once answer what a server says to that (401, a digest challenge)."""

from collections.abc import Callable
from dataclasses import dataclass

from runtime.http import oauth2, signing
from runtime.http.body import FORM, Bytes, Json
from runtime.http.credentials import Credential, apply, signature
from runtime.http.exchange import Answer, Redirects, Sender, exchange
from runtime.http.request import Outgoing, Request

_UNAUTHORIZED = 401
_AWS_TEXT = f"{FORM}; charset=utf-8"
"""What n8n declares JSON to be that it signs for AWS, unless a header says otherwise."""


@dataclass(frozen=True)
class Wire:
    """What a request needs from the world. `nonce` gives fresh random text; `now` is milliseconds since the epoch."""

    send: Sender
    nonce: Callable[[], str]
    now: float


async def fetch(
    wire: Wire, request: Request, credential: Credential | None, redirects: Redirects
) -> tuple[Answer, str]:
    """Return the response and the URL it came from. Raise CredentialError, ValueError, and what `exchange` raises."""
    if credential is None:
        return await exchange(wire.send, request, redirects)
    if credential.is_oauth2:
        return await _with_token(wire, request, credential, redirects)
    token = ""
    if credential.type == "googleApi" and credential.data.get("httpNode"):
        token = await oauth2.service_account_token(wire.send, credential, wire.now)
    sign = signature(credential, wire.now, wire.nonce())

    def carry(plain: Request) -> Outgoing:
        outgoing = _signed(plain, credential, token).encode()
        return outgoing if sign is None else sign(outgoing)

    async def send(outgoing: Outgoing) -> Answer:
        answer = await wire.send(outgoing)
        if credential.type == "httpDigestAuth" and answer.status == _UNAUTHORIZED and not outgoing.bare:
            return await _challenged(wire, outgoing, answer, credential)
        return answer

    return await exchange(send, request, redirects, carry)


def _signed(request: Request, credential: Credential, token: str = "") -> Request:
    """Return a copy of the request with the credential. `token`: of a service account, where it signs with one."""
    signed = request.copy()
    if credential.type == "googleApi":
        if token:
            signed.set_header("Authorization", f"Bearer {token}")
    else:
        apply(signed, credential)
    if credential.type == "aws" and isinstance(signed.body, Json):
        signed.body = Bytes(signed.body.encode()[0], _AWS_TEXT)
    return signed


async def _with_token(wire: Wire, request: Request, credential: Credential, redirects: Redirects) -> tuple[Answer, str]:
    async with credential.renewing:
        await oauth2.ensure_token(wire.send, credential)
    token = (credential.data["oauthTokenData"] or {}).get("access_token")

    def carry(plain: Request) -> Outgoing:
        return _signed(plain, credential).encode()

    answer, url = await exchange(wire.send, request, redirects, carry)
    if answer.status != (credential.data.get("tokenExpiredStatusCode") or _UNAUTHORIZED):
        return answer, url
    async with credential.renewing:
        if token == (credential.data["oauthTokenData"] or {}).get("access_token"):
            await oauth2.renew(wire.send, credential)
    return await exchange(wire.send, request, redirects, carry)


async def _challenged(wire: Wire, outgoing: Outgoing, answer: Answer, credential: Credential) -> Answer:
    challenge = next((value for name, value in answer.headers if name.lower() == "www-authenticate"), "")
    user, password = (str(credential.data.get(key) or "") for key in ("user", "password"))
    signed = signing.digest(outgoing, challenge, user, password, wire.nonce())
    return answer if signed is None else await wire.send(signed)
