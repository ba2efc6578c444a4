"""Capability: decrypted credentials of the tenant."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

__all__ = ["AskForToken", "Credentials"]

AskForToken = Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]
"""Asks a token server, as a credential with these fields, and returns the new `oauthTokenData`."""


class Credentials(Protocol):
    """The credentials that the step names. Secrets exist only here, never in an item, an error or a log line."""

    async def get(self, type_: str, item: int = 0, *, restricted: bool = False) -> Mapping[str, Any]:
        """Return the decrypted fields of the step's credential of this type, for input item `item`.

        From here on every request of the task goes to hosts of the credential only, unless it says that it carries none.

        Args:
            type_: n8n's type.
            item: index of the input item.
            restricted: the address of the request is the author's choice, so that the owner's restriction of HTTP requests
                holds for the vendor's own hosts, too.

        Raises:
            MissingCredential: the step names none, or the tenant has none of its name.
        """

    async def renew(self, type_: str, data: Mapping[str, Any], ask: AskForToken) -> dict[str, Any]:
        """Return the `oauthTokenData` that takes the place of the one in `data`, kept for every later step.

        Of any number of steps that want it one asks; the others get what it got.

        Args:
            type_: n8n's type.
            data: the credential's fields as the step has them, with the token that was refused, or without one.
            ask: asks the token server.

        Raises:
            CredentialError: what `ask` raises, with the link by which the account is connected again.
        """

    async def token(self, key: str, ask: Callable[[], Awaitable[tuple[str, float]]]) -> str:
        """Return a token that is asked for when there is none. Raise what `ask` raises.

        Args:
            key: what the token is for: a digest of the fields that it is asked with.
            ask: returns a token and for how many seconds it is valid.
        """
