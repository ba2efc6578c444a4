"""The interface of a store of tenants' credentials: rows in Postgres (`sealed_credentials`) or a Vault engine (`vault`).

Only activities call a store; what `get` returns never enters history, logs, errors or diagnostics.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from schemas.errors import InfrastructureError

__all__ = ["CredentialMissing", "CredentialStore", "CredentialsUnavailable", "StoredCredential"]


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


class CredentialsUnavailable(InfrastructureError):
    """The store does not respond, or refuses access. The message says whether to try again or to call an operator."""


@dataclass(frozen=True)
class StoredCredential:
    """A credential as it is stored: its fields, and the version that `replace` compares."""

    data: Mapping[str, Any]
    version: str


class CredentialStore(Protocol):
    """A store of credentials. Their names are the author's, as in n8n."""

    async def get(self, tenant: str, type_: str, name: str) -> Mapping[str, Any]:
        """Return the credential's fields. Raise CredentialMissing or CredentialsUnavailable."""

    async def read(self, tenant: str, type_: str, name: str) -> StoredCredential:
        """Return the fields with their version. Raise as `get`."""

    async def replace(self, tenant: str, type_: str, name: str, data: Mapping[str, Any], version: str) -> bool:
        """Replace the fields if they have this version still; return whether they had. Raise CredentialsUnavailable."""

    async def put(self, tenant: str, type_: str, name: str, data: Mapping[str, Any]) -> None:
        """Create the credential, or replace all its fields. Raise CredentialsUnavailable."""

    async def delete(self, tenant: str, type_: str, name: str) -> None:
        """Delete the credential with all its versions. Raise CredentialMissing or CredentialsUnavailable."""

    async def check(self) -> None:
        """Do nothing when the store answers. Raise CredentialsUnavailable."""

    async def names(self, tenant: str) -> list[tuple[str, str]]:
        """Return (type, name) of all credentials, sorted; never a value. Raise CredentialsUnavailable."""
