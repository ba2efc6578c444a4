"""Links that resume a waiting run: created inside the run, verified by the API without a query to it.

A run has a secret of its own, which its starter derives from the master key and the run's id; a run that it starts has one
derived from that. The link of the n-th wait carries a keyed hash of n, so it opens that wait of that run and no other, in
any iteration of a loop.
"""

import hashlib
import hmac
from typing import Final

__all__ = ["WAITING", "WAITING_FORM", "child_secret", "link", "secret_of", "token"]

WAITING: Final = "webhook-waiting"
WAITING_FORM: Final = "form-waiting"
_CHILD: Final = "~"
"""Precedes the number of a run that another run started, at the end of its id."""


def token(secret: str, ordinal: int, query: str = "") -> str:
    """Return the last part of a wait's link: 128 bits in hex. `query` is the query string that the link is bound to, if
    any.
    """
    message = f"{ordinal}?{query}" if query else str(ordinal)
    return hmac.digest(secret.encode(), message.encode(), hashlib.sha256).hex()[:32]


def link(base: str, kind: str, workflow_id: str, secret: str, ordinal: int, query: str = "") -> str:
    """Return the address of a wait; empty if the run has no secret. Callers may append a suffix and a query, unless the
    link is bound to a query: then it is valid with that one only.
    """
    if not base or not secret:
        return ""
    address = f"{base.rstrip('/')}/{kind}/{workflow_id}/{ordinal}-{token(secret, ordinal, query)}"
    return f"{address}?{query}" if query else address


def child_secret(secret: str, workflow_id: str) -> str:
    """Return the secret of a run that this one starts."""
    return hmac.digest(secret.encode(), workflow_id.encode(), hashlib.sha256).hex() if secret else ""


def secret_of(workflow_id: str, of_root: str) -> str:
    """Return the secret of any run, derived from that of the first run of its chain (the id before the first `~`)."""
    root, *numbers = workflow_id.split(_CHILD)
    secret, known = of_root, root
    for number in numbers:
        known = f"{known}{_CHILD}{number}"
        secret = child_secret(secret, known)
    return secret
