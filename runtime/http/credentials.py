"""How a credential signs a request: n8n's predefined types from `credential_types.yaml`, and its generic ones."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal, Protocol

from runtime.contract.capabilities import AskForToken
from runtime.http.body import JSON, Form, Json, Multipart
from runtime.http.request import Outgoing, Request, assigned, spread
from runtime.http.signing import aws_v4, azure_storage, oauth1
from runtime.values.javascript import js_string
from runtime.values.paths import get
from schemas.item import UNDEFINED

Signature = Callable[[Outgoing], Outgoing]
"""Signs what goes out, bytes included."""

_FIELD = re.compile(r"\{([\w.]+)\}")
_NOT_A_REFERENCE = (None, UNDEFINED)


class CredentialError(ValueError):
    """Raised when a credential cannot sign a request; message and description are n8n's. `code`: of a token server's error."""

    def __init__(self, message: str, description: str | None = None, *, code: str = "") -> None:
        super().__init__(message)
        self.description, self.code = description, code


class ReconnectError(CredentialError):
    """Raised when the owner of an account has to connect it again. `is_final`: the server does not know its refresh token."""

    def __init__(self, message: str, description: str | None = None, *, is_final: bool = False) -> None:
        super().__init__(message, description)
        self.is_final = is_final


class TokenKeeper(Protocol):
    """Keeps tokens for every step; see `runtime.contract.capabilities.Credentials`."""

    async def renew(self, type_: str, data: Mapping[str, Any], ask: AskForToken) -> dict[str, Any]:
        """Return the `oauthTokenData` that takes the place of the one in `data`."""

    async def token(self, key: str, ask: Callable[[], Awaitable[tuple[str, float]]]) -> str:
        """Return a short-lived token."""


@dataclass(frozen=True)
class Credential:
    """A decrypted credential. `data` may be updated when a token is refreshed.

    `keeper` keeps new tokens for every step; None: they are this credential's alone.
    """

    type: str
    data: dict[str, Any]
    keeper: TokenKeeper | None = None
    renewing: asyncio.Lock = field(default_factory=asyncio.Lock, compare=False, repr=False)
    """Held while a token is renewed, so that items in flight share the new one."""

    @property
    def is_oauth2(self) -> bool:
        """Return whether a refused request is worth a token refresh."""
        return scheme(self.type) == "oauth2"


@cache
def _types() -> dict[str, Any]:
    import yaml  # noqa: PLC0415 - heavy, and compiling an export needs none of it

    text = (Path(__file__).parent / "credential_types.yaml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)
    for field_name, types in loaded["bearer"].items():
        rule = {"headers": {"Authorization": f"Bearer {{{field_name}}}"}}
        loaded["rules"] |= dict.fromkeys(types, rule)
    return loaded


_GENERIC = {
    "httpBasicAuth", "httpBearerAuth", "httpCustomAuth", "httpDigestAuth", "httpHeaderAuth", "httpQueryAuth",
    "httpMultipleHeadersAuth", "httpTemplatedCustomAuth",
}  # fmt: skip
_CODED = {"aws", "azureStorageSharedKeyApi", "googleApi"}


def is_generic(type_: str) -> bool:
    """Return whether credentials of this type are no vendor's, so that nothing in them says which hosts they are for."""
    return type_ in _GENERIC or type_ in ("httpSslAuth", "oAuth1Api", "oAuth2Api")


def scheme(type_: str) -> Literal["silent", "oauth2", "oauth1", "rule", "generic", "coded"] | None:
    """Return how this credential type signs; None when n8n has no such type, or signs with it only inside its own node."""
    types = _types()
    if type_ in _GENERIC:
        return "generic"
    if type_ in _CODED:
        return "coded"
    if type_ in types["oauth2"] or _rules(type_)[:1] == [{}] or any("oauth2" in rule for rule in _rules(type_)):
        return "oauth2"
    if type_ in types["oauth1"]:
        return "oauth1"
    if type_ in types["silent"]:
        return "silent"
    return "rule" if type_ in types["rules"] else None


def is_known(type_: str) -> bool:
    """Return whether n8n has a credential type of this name. Types of community packages are not among them."""
    return scheme(type_) is not None or type_ in _types()["unsigned"]


def _rules(type_: str) -> list[dict[str, Any]]:
    rules = _types()["rules"].get(type_, [])
    return rules if isinstance(rules, list) else [rules]


def apply(request: Request, credential: Credential) -> None:
    """Add to the request what the credential's rule says. Raise CredentialError."""
    if credential.type in _GENERIC:
        _GENERIC_RULES[credential.type](request, credential.data)
    elif credential.type in _types()["oauth2"]:
        request.set_header("Authorization", f"Bearer {_text('{oauthTokenData.access_token}', credential.data)}")
    else:
        for rule in _rules(credential.type):
            if _holds(rule.get("when", {}), credential.data):
                _apply_rule(request, rule, credential.data)
                return


def signature(credential: Credential, now: float, nonce: str) -> Signature | None:
    """Return the signing function of types that sign the bytes that go out. `now` in milliseconds; `nonce` is unique
    per request.
    """
    if scheme(credential.type) == "oauth1":
        return lambda outgoing: oauth1(outgoing, credential.data, now, nonce)
    if credential.type == "aws":
        return lambda outgoing: aws_v4(outgoing, credential.data, now)
    if credential.type == "azureStorageSharedKeyApi":
        return lambda outgoing: azure_storage(outgoing, credential.data, now)
    return None


def _holds(when: Mapping[str, Any], data: Mapping[str, Any]) -> bool:
    return all(data.get(key) == value for key, value in when.items())


def _apply_rule(request: Request, rule: Mapping[str, Any], data: Mapping[str, Any]) -> None:
    for name, template in rule.get("headers", {}).items():
        request.set_header(_text(name, data), _text(template, data))
    for name, template in rule.get("defaults", {}).items():
        request.default_header(name, _text(template, data))
    if "basic" in rule:
        user, _, password = rule["basic"].partition(":")
        request.basic(_text(user, data), _text(password, data))
    if "query" in rule:
        request.query = assigned(request.query, {name: _text(each, data) for name, each in rule["query"].items()})
    if "body" in rule:
        request.merge_body({name: _text(each, data) for name, each in rule["body"].items()})


def _text(template: str, data: Mapping[str, Any]) -> str:
    def value(match: re.Match[str]) -> str:
        referenced = get(data, match[1])
        return "" if referenced in _NOT_A_REFERENCE else js_string(referenced)

    return _FIELD.sub(value, template)


def _basic(request: Request, data: Mapping[str, Any]) -> None:
    request.basic(data.get("user") or "", data.get("password") or "")


def _bearer(request: Request, data: Mapping[str, Any]) -> None:
    request.set_header("Authorization", f"Bearer {data.get('token') or ''}")


def _header(request: Request, data: Mapping[str, Any]) -> None:
    request.set_header(js_string(data.get("name") or ""), data.get("value"))


def _query(request: Request, data: Mapping[str, Any]) -> None:
    request.query = assigned(request.query, {js_string(data.get("name") or ""): data.get("value")})


def _custom(request: Request, data: Mapping[str, Any]) -> None:
    try:
        custom = json.loads(data.get("json") or "{}")
    except ValueError as error:
        raise CredentialError("Invalid Custom Auth JSON") from error
    for name, value in (custom.get("headers") or {}).items():
        request.set_header(name, value)
    if custom.get("qs"):
        request.query = assigned(request.query, custom["qs"])
    if custom.get("body") and isinstance(request.body, Form):  # as in n8n a form becomes JSON then
        request.body = Json({**custom["body"], **request.body.fields})
        request.set_header("content-type", JSON)
    elif custom.get("body") and not isinstance(request.body, Multipart):  # which n8n leaves as it is
        own = request.body.value if isinstance(request.body, Json) else None
        request.body = Json(spread(own) | custom["body"])


def _multiple(request: Request, data: Mapping[str, Any]) -> None:
    for entry in (data.get("headers") or {}).get("values") or []:
        if entry.get("name"):
            request.set_header(entry["name"], entry.get("value"))


def _digest(request: Request, data: Mapping[str, Any]) -> None:
    """Nothing: digest answers a challenge."""


_GENERIC_RULES: dict[str, Callable[[Request, Mapping[str, Any]], None]] = {
    "httpBasicAuth": _basic,
    "httpBearerAuth": _bearer,
    "httpCustomAuth": _custom,
    "httpDigestAuth": _digest,
    "httpHeaderAuth": _header,
    "httpMultipleHeadersAuth": _multiple,
    "httpQueryAuth": _query,
    "httpTemplatedCustomAuth": _custom,
}
