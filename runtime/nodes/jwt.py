"""JWT: signs, verifies and decodes tokens with a credential's passphrase or key pair."""

import base64
import binascii
import json
import math
import re
import warnings
from collections.abc import Mapping
from typing import Any, Final, Literal

from runtime.contract import (
    Activity,
    ActivityContext,
    Dynamic,
    Items,
    NodeError,
    Outputs,
    param,
)
from runtime.values.javascript import json_stringify
from runtime.values.json_text import NotJsonError, parse_json
from schemas.facts import CredentialUse

_READ: Final = {"operation": ["verify", "decode"]}
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_DEFAULT_CLAIMS: Final = '{\n  "my_field_1": "value 1",\n  "my_field_2": "value 2"\n}\n'


class Jwt(Activity):
    """One token per item."""

    type = "n8n-nodes-base.jwt"
    versions = (1,)
    usable_as_tool = True
    local = True
    credential_uses = (CredentialUse("jwtAuth"),)

    operation: Literal["decode", "sign", "verify"] = param("sign")
    use_json: Dynamic[bool] = param(False, show={"operation": ["sign"]})
    claims: Dynamic[dict[str, Any]] = param({}, show={"operation": ["sign"], "useJson": [False]})
    claims_json: Dynamic[Any] = param(_DEFAULT_CLAIMS, show={"operation": ["sign"], "useJson": [True]})
    header_claims: Dynamic[Any] = param("{}", show={"operation": ["sign"]})
    token: Dynamic[str] = param("", show=_READ, required=True)
    options: Dynamic[dict[str, Any]] = param({})

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Return `{token}`, or `{payload}` (with `header` and `signature` if the options say so)."""
        results: Items = []
        for i in range(len(items)):
            node = context.resolve(self, i)
            try:
                json = await node.answer(context, i)
            except NodeError as error:
                if not context.continue_on_fail:
                    error.item = i
                    raise
                json = {"error": error.message}
            results.append({"json": json, "pairedItem": i})  # a number, as n8n: an error output then shows no input
        return [results]

    async def answer(self, context: ActivityContext, i: int) -> dict[str, Any]:
        """Return the JSON of item `i`. Raise NodeError."""
        credential = await context.credentials.get("jwtAuth", i)
        algorithm = str(self.options.get("algorithm") or credential.get("algorithm") or "HS256")
        if self.operation == "sign":
            return {"token": self.sign(credential, algorithm, context.now / 1000, i)}
        token = str(self.token)
        if not _TOKEN.fullmatch(token):
            raise NodeError(f"Invalid input for 'Token' [item {i}]", description="Value is not a valid JWT token")
        if self.operation == "verify":
            self.verify(token, credential, algorithm, context.now / 1000)
        return _opened(token, complete=bool(self.options.get("complete")))

    def sign(self, credential: Mapping[str, Any], algorithm: str, now: float, i: int) -> str:
        """Return a token. Raise NodeError."""
        payload = {**(_object(self.claims_json, i) if self.use_json else self.claims)}
        payload.setdefault("iat", math.floor(now))
        header = {"alg": algorithm, "typ": "JWT"}
        if kid := self.options.get("kid"):
            header["kid"] = kid
        header |= _object(self.header_claims, i)
        return _compact(header, json_stringify(payload) or "", _key(credential, algorithm, private=True), algorithm)

    def verify(self, token: str, credential: Mapping[str, Any], algorithm: str, now: float) -> None:
        """Verify a token. Raise NodeError in the words of the library that n8n uses."""
        opened = _opened(token, complete=True)
        if not isinstance(opened["header"], Mapping):
            raise NodeError(
                "The JWT token can't be verified",
                description="Be sure that the provided JWT token is correctly encoded and matches the selected credentials",
            )
        if opened["header"].get("alg") != algorithm:
            raise NodeError("invalid algorithm")
        if not _authentic(token, _key(credential, algorithm, private=False), algorithm):
            raise NodeError(
                "The JWT token can't be verified",
                description="Be sure that the provided JWT token is correctly encoded and matches the selected credentials",
            )
        payload = opened["payload"] if isinstance(opened["payload"], Mapping) else {}
        slack = float(self.options.get("clockTolerance") or 0)
        for claim, ignored in (("nbf", "ignoreNotBefore"), ("exp", "ignoreExpiration")):
            if claim not in payload or self.options.get(ignored):
                continue
            at = payload[claim]
            if isinstance(at, bool) or not isinstance(at, int | float):
                raise NodeError(f"invalid {claim} value")
            if claim == "nbf" and at > now + slack:
                raise NodeError("jwt not active")
            if claim == "exp" and now >= at + slack:
                raise NodeError("jwt expired")


def _object(value: Any, i: int) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            value = parse_json(value)
        except NotJsonError:
            value = None
    if not isinstance(value, dict):
        raise NodeError(f"The 'JSON Output' in item {i} does not contain a valid JSON object")
    return value


def _opened(token: str, *, complete: bool) -> dict[str, Any]:
    head, body, signature = token.split(".")
    header, payload = _part(head), _part(body)
    if header is None:
        payload = None
    return {"header": header, "payload": payload, "signature": signature} if complete else {"payload": payload}


def _part(text: str) -> Any:
    try:
        return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error):
        return None


def _key(credential: Mapping[str, Any], algorithm: str, *, private: bool) -> Any:
    from joserfc.errors import JoseError  # noqa: PLC0415 - only tokens need it
    from joserfc.jwk import ECKey, OctKey, RSAKey  # noqa: PLC0415

    try:
        if credential.get("keyType") != "pemKey":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # n8n accepts short passphrases
                return OctKey.import_key(str(credential.get("secret") or ""))
        pem = str(credential.get("privateKey" if private else "publicKey") or "").replace("\\n", "\n")
        return (ECKey if algorithm.startswith("ES") else RSAKey).import_key(pem)
    except (JoseError, ValueError, TypeError) as error:
        raise NodeError(f"The JWT credential does not hold a key that {algorithm} can use") from error


def _registry(algorithm: str) -> Any:
    from joserfc.jws import JWSRegistry  # noqa: PLC0415 - likewise

    return JWSRegistry(algorithms=[algorithm], strict_check_header=False)


def _compact(header: dict[str, Any], payload: str, key: Any, algorithm: str) -> str:
    from joserfc import jws  # noqa: PLC0415 - likewise
    from joserfc.errors import JoseError  # noqa: PLC0415

    try:
        return jws.serialize_compact(header, payload.encode(), key, registry=_registry(algorithm))
    except (JoseError, ValueError) as error:
        raise NodeError(f"The token cannot be signed: {error}") from error


def _authentic(token: str, key: Any, algorithm: str) -> bool:
    from joserfc import jws  # noqa: PLC0415 - likewise
    from joserfc.errors import JoseError  # noqa: PLC0415

    try:
        jws.deserialize_compact(token, key, registry=_registry(algorithm))
    except (JoseError, ValueError):
        return False
    return True
