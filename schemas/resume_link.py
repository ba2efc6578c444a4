"""Links that resume a waiting run: made inside the run, checked by the API without asking it.

A run has a secret of its own, which its starter derives from the master key and the run's id; a run that it starts has one
derived from that. The link of the n-th wait carries a keyed hash of n, so it opens that wait of that run and no other, in
whatever iteration of a loop it stands.
"""

import hashlib
import hmac
from typing import Final

__all__ = ["WAITING", "WAITING_FORM", "child_secret", "link", "secret_of", "token"]

WAITING: Final = "webhook-waiting"
WAITING_FORM: Final = "form-waiting"
_CHILD: Final = "~"
"""Stands before the number of a run that another run started, at the end of its id."""


def token(secret: str, ordinal: int, query: str = "") -> str:
    """What the link of a wait ends with: 128 bits in hex. `bound`: the query that it goes with, where it is part of the link."""
    message = f"{ordinal}?{query}" if query else str(ordinal)
    return hmac.digest(secret.encode(), message.encode(), hashlib.sha256).hex()[:32]


def link(base: str, kind: str, workflow_id: str, secret: str, ordinal: int, query: str = "") -> str:
    """The address of a wait; empty where the run has no secret. A suffix and a query can be put behind it, unless it is bound to
    a query: then it opens with that one only.
    """
    if not base or not secret:
        return ""
    address = f"{base.rstrip('/')}/{kind}/{workflow_id}/{ordinal}-{token(secret, ordinal, query)}"
    return f"{address}?{query}" if query else address


def child_secret(secret: str, workflow_id: str) -> str:
    """The secret of a run that this one starts."""
    return hmac.digest(secret.encode(), workflow_id.encode(), hashlib.sha256).hex() if secret else ""


def secret_of(workflow_id: str, of_root: str) -> str:
    """The secret of any run, from that of the run at the beginning of its chain (the id before the first `~`)."""
    root, *numbers = workflow_id.split(_CHILD)
    secret, known = of_root, root
    for number in numbers:
        known = f"{known}{_CHILD}{number}"
        secret = child_secret(secret, known)
    return secret
