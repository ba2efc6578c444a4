"""Sessions of the console: what a browser keeps instead of an API key.

A session is sealed and stored nowhere: it names the key that it was begun with, which is verified at each request as in an API
request. Revoking the key ends its sessions.
"""

import base64
import binascii
import json
import secrets
import time
from dataclasses import dataclass
from typing import Final

from runtime.platform.keys import Keyring, Purpose, SealError

__all__ = ["SESSION_SECONDS", "Session", "Sessions"]

SESSION_SECONDS: Final = 12 * 3600
NOBODY: Final = ""
"""The tenant that seals: whose session it is stands inside."""


@dataclass(frozen=True)
class Session:
    """Somebody who has signed in."""

    secret: str
    """The API key or token."""
    csrf: str
    """What forms of the session's pages carry, and pages of other sites do not know."""


class Sessions:
    """Makes and reads sessions.

    Args:
        keys: the keys of the service.
    """

    def __init__(self, keys: Keyring) -> None:
        self._keys = keys

    def begin(self, secret: str) -> tuple[Session, str]:
        """Return a session of a key, and its text for a cookie."""
        session = Session(secret, secrets.token_urlsafe(24))
        fields = [session.secret, session.csrf, int(time.time()) + SESSION_SECONDS]
        sealed = self._keys.seal(NOBODY, Purpose.CONSOLE_SESSION, json.dumps(fields).encode())
        return session, base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def open(self, text: str) -> Session | None:
        """Return the session of a cookie; None: it is none of ours, or its time is over."""
        try:
            sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            secret, csrf, until = json.loads(self._keys.open(NOBODY, Purpose.CONSOLE_SESSION, sealed))
        except (SealError, ValueError, binascii.Error):
            return None
        return Session(secret, csrf) if time.time() < until else None
