"""Links by which the owner of an account connects it to a credential, and the state of a connection that is under way.

A link from `tempor8 credentials connect` is sealed and works for an hour; the one in the error of a run says only which credential
it is, and its page asks for an API key. The state goes through the browser and the vendor: it is sealed too, and belongs to the
browser that has the code verifier (RFC 7636) in a cookie.
"""

import base64
import binascii
import hashlib
import json
import secrets
import time
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlencode

from runtime.platform.keys import Keyring, Purpose, SealError
from runtime.platform.settings import Settings

__all__ = [
    "CALLBACK",
    "CONNECT",
    "Account",
    "AccountLinks",
    "BadAccountLink",
    "challenge_of",
    "new_verifier",
    "open_link",
]

CONNECT: Final = "/oauth2/connect"
CALLBACK: Final = "/oauth2/callback"
LINK_SECONDS: Final = 3600
STATE_SECONDS: Final = 900
_NOBODY: Final = ""
"""The tenant that seals: whose link it is stands inside."""


class BadAccountLink(Exception):
    """A link or state is none of ours, or its time is over. The message says what to do."""


@dataclass(frozen=True)
class Account:
    """The credential that an account is connected to."""

    tenant: str
    type: str
    name: str
    actor: str = ""
    """Id of the API key that asked for it; "": a link of the command line."""


class AccountLinks:
    """Makes and reads links and states.

    Args:
        keys: the keys of the service.
        base: public address of the API.
    """

    def __init__(self, keys: Keyring, base: str) -> None:
        self._keys, self._base = keys, base.rstrip("/")

    @classmethod
    def of_settings(cls, settings: Settings, keys: Keyring) -> Self:
        """Return links below TEMPOR8_PUBLIC_URL, or below the address that the API listens at."""
        return cls(keys, base_of(settings))

    @property
    def callback(self) -> str:
        """Return the redirect URI, which the app at the vendor has to have."""
        return f"{self._base}{CALLBACK}"

    @property
    def is_secure(self) -> bool:
        """Return whether browsers come by HTTPS."""
        return self._base.startswith("https://")

    def link(self, account: Account) -> str:
        """Return a link that needs no API key, for an hour."""
        return f"{self._base}{CONNECT}?link={self._seal(Purpose.ACCOUNT_LINK, account, '', LINK_SECONDS)}"

    def account_of(self, token: str) -> Account:
        """Return what a link is for. Raise BadAccountLink."""
        return self._open(Purpose.ACCOUNT_LINK, token)[0]

    def state(self, account: Account, verifier: str) -> str:
        """Return the state of a connection that the browser with this verifier begins."""
        return self._seal(Purpose.ACCOUNT_STATE, account, challenge_of(verifier), STATE_SECONDS)

    def account_of_state(self, state: str) -> tuple[Account, str]:
        """Return what a connection is for, and the challenge of the browser that began it. Raise BadAccountLink."""
        return self._open(Purpose.ACCOUNT_STATE, state)

    def _seal(self, purpose: Purpose, account: Account, challenge: str, seconds: int) -> str:
        fields = [account.tenant, account.type, account.name, account.actor, challenge, int(time.time()) + seconds]
        sealed = self._keys.seal(_NOBODY, purpose, json.dumps(fields).encode())
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def _open(self, purpose: Purpose, text: str) -> tuple[Account, str]:
        try:
            sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            tenant, type_, name, actor, challenge, until = json.loads(self._keys.open(_NOBODY, purpose, sealed))
        except (SealError, ValueError, binascii.Error):
            raise BadAccountLink("The link is not complete. Make a new one: tempor8 credentials connect") from None
        if time.time() > until:
            raise BadAccountLink("The link is too old. Make a new one: tempor8 credentials connect")
        return Account(tenant, type_, name, actor), challenge


def base_of(settings: Settings) -> str:
    """Return the public address of the API."""
    return settings.public_url or f"http://{settings.host}:{settings.port}"


def open_link(settings: Settings, account: Account) -> str:
    """Return a link that holds nothing secret: its page asks for an API key of the tenant."""
    query = urlencode({"tenant": account.tenant, "type": account.type, "name": account.name})
    return f"{base_of(settings).rstrip('/')}{CONNECT}?{query}"


def new_verifier() -> str:
    """Return a code verifier (RFC 7636): 43 characters."""
    return secrets.token_urlsafe(32)


def challenge_of(verifier: str) -> str:
    """Return the code challenge of a verifier, by S256."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
