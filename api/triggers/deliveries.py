"""Deliveries: what makes two requests the same one, so that it starts nothing twice and its reply goes to its sender alone."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from api.triggers.requests import WebhookRequest
from schemas.plan import Step
from service.start_keys import StartKeys

__all__ = ["caller_of", "delivery_of", "request_digest"]

DELIVERY: Final = (
    "idempotency-key",
    "webhook-id",
    "svix-id",
    "x-github-delivery",
    "x-gitea-delivery",
    "x-gogs-delivery",
    "x-gitlab-event-uuid",
    "x-shopify-webhook-id",
    "x-atlassian-webhook-identifier",
    "linear-delivery",
    "i-twilio-idempotency-token",
    "x-amz-sns-message-id",
    "x-delivery-id",
)
"""Headers that name a delivery: a repeated one starts nothing and gets the reply of the first."""
CREDENTIALS: Final = ("authorization", "proxy-authorization", "x-api-key", "cookie")
"""Headers by which a workflow may know its caller where its node asks for nothing."""


def delivery_of(headers: Mapping[str, str]) -> str | None:
    """Return the sender's id of this delivery, the same when it is sent again; None: it has none."""
    return next((f"{name}:{headers[name]}" for name in DELIVERY if headers.get(name)), None)


def caller_of(request: WebhookRequest, step: Step, claims: Mapping[str, Any] | None, keys: StartKeys) -> str:
    """Return what tells this caller from others with the same delivery id; empty: nothing does.

    A node with a password or a header has one credential, so whoever was admitted is the same caller; one with tokens has a
    caller per subject. Elsewhere it is the credentials that came with the request, as a keyed hash.
    """
    authentication = step.parameters.get("authentication") or "none"
    if authentication in ("basicAuth", "headerAuth"):
        return ""
    if claims is not None and claims.get("sub") is not None:
        return f"subject:{json.dumps([claims.get('iss'), claims['sub']], sort_keys=True)}"
    sent = [[name, request.headers[name]] for name in CREDENTIALS if request.headers.get(name)]
    return keys.fingerprint(request.tenant, json.dumps(sent)) if sent else ""


def request_digest(request: WebhookRequest, body: bytes) -> str:
    """Return a digest of what is asked: method, path, query, content type and body."""
    digest = hashlib.sha256()
    for part in (request.method, request.path, request.query, request.headers.get("content-type", "")):
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    digest.update(body)
    return digest.hexdigest()
