"""Signatures of deliveries: the digest of a message under a key, compared in constant time."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from typing import Any

from runtime.integrations.scope import Scope
from runtime.integrations.triggers.descriptor import Signature
from runtime.integrations.values import evaluate
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

__all__ = ["is_signed", "key_of"]


def key_of(signature: Signature, scope: Scope) -> str:
    """Return the key; '': there is none."""
    return _text(evaluate(signature.key, scope))


def is_signed(signature: Signature, key: str, scope: Scope) -> bool:
    """Return whether a delivery has the signature of its body, and came in time."""
    given = _given(signature, scope)
    if signature.timestamp is not None and not _in_time(signature, scope):
        return False
    expected = _signature(signature, key, _text(evaluate(signature.message, scope)))
    return any(hmac.compare_digest(each.encode(), expected.encode()) for each in given if each)


def _given(signature: Signature, scope: Scope) -> Sequence[str]:
    if signature.found is None:
        return [_text(scope.names["headers"].get(signature.header))]
    found = evaluate(signature.found, scope)
    return [_text(each) for each in (found if isinstance(found, list) else [found])]


def _in_time(signature: Signature, scope: Scope) -> bool:
    sent = evaluate(signature.timestamp, scope)
    try:
        age = scope.now / 1000 - float(sent)
    except (ArithmeticError, TypeError, ValueError):
        return False
    return abs(age) <= signature.within


def _signature(signature: Signature, key: str, message: str) -> str:
    secret, signed = key.encode(), message.encode("latin-1", "replace")
    if signature.algorithm == "none":
        return key
    if signature.algorithm == "sha256":
        digest = hashlib.sha256(secret + signed).digest()
    else:
        digest = hmac.new(secret, signed, signature.algorithm.removeprefix("hmac-")).digest()
    text = digest.hex() if signature.encoding == "hex" else base64.b64encode(digest).decode()
    return signature.prefix + text


def _text(value: Any) -> str:
    return "" if value is UNDEFINED or value is None else js_string(value)
