"""The interface of a store of tenants' credentials: rows in Postgres (`sealed_credentials`) or a Vault engine (`vault`).

Only activities call a store; what `get` returns never enters history, logs, errors or diagnostics.
"""

from collections.abc import Mapping
from typing import Any, Protocol

__all__ = ["CredentialMissing", "CredentialStore", "CredentialsUnavailable"]


class CredentialMissing(Exception):
    """The tenant has no credential of this type and name. There is never a fallback to another tenant's key."""

    def __init__(self, tenant: str, type_: str, name: str) -> None:
        super().__init__(
            f"tenant {tenant} has no credential {name!r} of type {type_}. "
            f"Add it with: tempor8 credentials set {tenant} {type_} {name!r}"
        )
        self.tenant = tenant
        self.type = type_
        self.name = name


class CredentialsUnavailable(Exception):
    """The store does not respond, or refuses access. The message says whether to try again or to call an operator."""


class CredentialStore(Protocol):
    """A store of credentials. Their names are the author's, as in n8n."""

    async def get(self, tenant: str, type_: str, name: str) -> Mapping[str, Any]:
        """Return the credential's fields. Raise CredentialMissing or CredentialsUnavailable."""

    async def put(self, tenant: str, type_: str, name: str, data: Mapping[str, Any]) -> None:
        """Create the credential, or replace all its fields. Raise CredentialsUnavailable."""

    async def delete(self, tenant: str, type_: str, name: str) -> None:
        """Delete the credential with all its versions. Raise CredentialMissing or CredentialsUnavailable."""

    async def names(self, tenant: str) -> list[tuple[str, str]]:
        """Return (type, name) of all credentials, sorted; never a value. Raise CredentialsUnavailable."""
