"""Credentials of tenants: what a store of them offers. Rows in Postgres (`sealed_credentials`) or a Vault engine (`vault`).

Only activities call a store; what `get` returns never enters history, logs, errors or diagnostics.
"""

from collections.abc import Mapping
from typing import Any, Protocol

__all__ = ["CredentialMissing", "CredentialStore", "CredentialsUnavailable"]


class CredentialMissing(Exception):
    """The tenant has no credential of this type and name. There is never a fallback to somebody else's key."""

    def __init__(self, tenant: str, type_: str, name: str) -> None:
        super().__init__(
            f"tenant {tenant} has no credential {name!r} of type {type_}. "
            f"Add it with: tempor8 credentials set {tenant} {type_} {name!r}"
        )
        self.tenant = tenant
        self.type = type_
        self.name = name


class CredentialsUnavailable(Exception):
    """The store does not answer, or refuses us. Try again, or tell an operator; the message says which."""


class CredentialStore(Protocol):
    """What both stores can do. Names are the author's, as in n8n."""

    async def get(self, tenant: str, type_: str, name: str) -> Mapping[str, Any]:
        """The credential's fields. Raises CredentialMissing or CredentialsUnavailable."""

    async def put(self, tenant: str, type_: str, name: str, data: Mapping[str, Any]) -> None:
        """Write all fields anew. Raises CredentialsUnavailable."""

    async def delete(self, tenant: str, type_: str, name: str) -> None:
        """Forget it, with all its versions. Raises CredentialMissing or CredentialsUnavailable."""

    async def names(self, tenant: str) -> list[tuple[str, str]]:
        """(type, name) of all, sorted; never a value. Raises CredentialsUnavailable."""
