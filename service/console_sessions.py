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
from typing import Any, Final

from runtime.platform.keys import Keyring, Purpose, SealError

__all__ = ["SESSION_SECONDS", "SIGN_IN_SECONDS", "Session", "Sessions", "SignIn"]

SESSION_SECONDS: Final = 12 * 3600
SIGN_IN_SECONDS: Final = 600
"""That a sign-in at an identity provider may take."""
OPERATOR: Final = "operator"
"""The fourth field of a session of the operator; one of a tenant has three."""
NOBODY: Final = ""
"""The tenant that seals: whose session it is stands inside."""


@dataclass(frozen=True)
class Session:
    """Somebody who has signed in."""

    secret: str
    """The API key or token."""
    csrf: str
    """What forms of the session's pages carry, and pages of other sites do not know."""
    operator: bool = False
    """The key is the operator's: the session opens the operator's pages, and nothing of a tenant's."""


@dataclass(frozen=True)
class SignIn:
    """A sign-in at an identity provider that is under way in one browser."""

    state: str
    """Comes back from the provider."""
    verifier: str
    """Code verifier (RFC 7636)."""
    to: str
    """The page to show afterwards."""


class Sessions:
    """Makes and reads sessions.

    Args:
        keys: the keys of the service.
    """

    def __init__(self, keys: Keyring) -> None:
        self._keys = keys

    def begin(self, secret: str, *, operator: bool = False) -> tuple[Session, str]:
        """Return a session of a key, and its text for a cookie."""
        session = Session(secret, secrets.token_urlsafe(24), operator)
        fields = [session.secret, session.csrf, int(time.time()) + SESSION_SECONDS]
        return session, self._seal([*fields, OPERATOR] if operator else fields)

    def open(self, text: str) -> Session | None:
        """Return the session of a cookie; None: it is none of ours, or its time is over."""
        fields = self._open(text)
        if fields is None or fields[3:] not in ([], [OPERATOR]) or time.time() >= fields[2]:
            return None
        return Session(fields[0], fields[1], operator=fields[3:] == [OPERATOR])

    def begin_sign_in(self, to: str) -> tuple[SignIn, str]:
        """Return a sign-in that begins, and its text for a cookie."""
        sign_in = SignIn(secrets.token_urlsafe(24), secrets.token_urlsafe(32), to)
        return sign_in, self._seal([sign_in.state, sign_in.verifier, to, "sign-in", int(time.time()) + SIGN_IN_SECONDS])

    def open_sign_in(self, text: str) -> SignIn | None:
        """Return the sign-in of a cookie; None: it is none of ours, or took too long."""
        fields = self._open(text)
        if fields is None or len(fields) != 5 or time.time() >= fields[4]:
            return None
        return SignIn(*fields[:3])

    def _seal(self, fields: list[Any]) -> str:
        sealed = self._keys.seal(NOBODY, Purpose.CONSOLE_SESSION, json.dumps(fields).encode())
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def _open(self, text: str) -> list[Any] | None:
        try:
            sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            fields: list[Any] = json.loads(self._keys.open(NOBODY, Purpose.CONSOLE_SESSION, sealed))
        except (SealError, ValueError, binascii.Error):
            return None
        return fields
