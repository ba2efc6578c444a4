"""Twilio Trigger: events of an account."""

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

from runtime.integrations.scope import Scope


def destination(scope: Scope) -> str:
    """Return where the events go, as Twilio takes it."""
    return f'{{\t"destination": {json.dumps(scope.names["webhookUrl"])},\t"method": "POST"\t}}'


def first_type(scope: Scope) -> str:
    """Return the type with which the subscription begins, as Twilio takes it."""
    first = next(iter(scope.parameters.get("updates") or []), "")
    return f'{{ "type": {json.dumps(first)} }}'


def other_types(scope: Scope) -> list[Any]:
    """Return the types that are added to the subscription."""
    return list(scope.parameters.get("updates") or [])[1:]


def signed(scope: Scope) -> str:
    """Return what is signed: the address, of which a digest of the body is a part. Empty when that is another body's."""
    query = scope.names["query"]
    digest = hashlib.sha256(scope.names["raw"].encode("latin-1")).hexdigest()
    if not hmac.compare_digest(str(query.get("bodySHA256") or "").encode(), digest.encode()):
        return ""
    return f"{scope.names['webhookUrl']}?{urlencode(query)}"
