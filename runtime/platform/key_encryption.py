"""Wrap the data keys of tenants: with the master key, or in Vault's transit engine, which never gives its key away."""

import struct
from typing import Final, Protocol

from runtime.platform.credentials import CredentialsUnavailable
from runtime.platform.sealing import KEY_BYTES, MasterKeys, Purpose, SealError
from runtime.platform.settings import Settings

__all__ = ["KeyEncryption", "KeyEncryptions", "key_encryptions"]

WRAPPED_BY_VAULT: Final = b"vault:"
"""How Vault begins what it encrypted."""


class KeyEncryption(Protocol):
    """A key-encryption key. Its methods block: call them in a thread."""

    def wrap(self, tenant: str, version: int, key: bytes) -> bytes:
        """Return a data key encrypted. Raises InfrastructureError."""

    def unwrap(self, tenant: str, version: int, wrapped: bytes) -> bytes:
        """Return the data key of bytes from `wrap`, of the same tenant and version. Raises InfrastructureError."""


class MasterKeyEncryption:
    """The master key as key-encryption key. What a retired one wrapped still opens."""

    def __init__(self, masters: MasterKeys) -> None:
        self._masters = masters

    def wrap(self, tenant: str, version: int, key: bytes) -> bytes:
        """See KeyEncryption."""
        return self._masters.seal(tenant, Purpose.DATA_KEY, struct.pack(">I", version) + key)

    def unwrap(self, tenant: str, version: int, wrapped: bytes) -> bytes:
        """See KeyEncryption. Raises SealError."""
        data = self._masters.open(tenant, Purpose.DATA_KEY, wrapped)
        if len(data) != KEY_BYTES + 4 or data[:4] != struct.pack(">I", version):
            raise SealError(f"the row of data key {version} of tenant {tenant} has another key")
        return data[4:]


class KeyEncryptions:
    """The key-encryption key of today, and the one for keys that were wrapped before Vault was set.

    Args:
        masters: the master keys.
        transit: Vault; None: the master key wraps.
    """

    def __init__(self, masters: MasterKeys, transit: KeyEncryption | None = None) -> None:
        self._master, self._transit = MasterKeyEncryption(masters), transit

    def wrap(self, tenant: str, version: int, key: bytes) -> bytes:
        """See KeyEncryption."""
        return (self._transit or self._master).wrap(tenant, version, key)

    def unwrap(self, tenant: str, version: int, wrapped: bytes) -> bytes:
        """See KeyEncryption."""
        if not wrapped.startswith(WRAPPED_BY_VAULT):
            return self._master.unwrap(tenant, version, wrapped)
        if self._transit is None:
            raise SealError("Vault wrapped the data keys of this installation: set TEMPOR8_VAULT_TRANSIT_KEY")
        return self._transit.unwrap(tenant, version, wrapped)


def key_encryptions(settings: Settings, masters: MasterKeys) -> KeyEncryptions:
    """Return what wraps data keys under these settings.

    Raises:
        CredentialsUnavailable: TEMPOR8_VAULT_TRANSIT_KEY without Vault's address or a way to log in, or with several.
    """
    if settings.vault_transit_key is None:
        return KeyEncryptions(masters)
    if settings.vault_address is None:
        raise CredentialsUnavailable("TEMPOR8_VAULT_TRANSIT_KEY is set: set VAULT_ADDR, too")
    from runtime.platform.vault_client import vault_clients  # noqa: PLC0415  # its HTTP client takes 8 MB
    from runtime.platform.vault_transit import VaultTransit  # noqa: PLC0415  # see above

    transit = VaultTransit(vault_clients(settings), settings.vault_transit_key, mount=settings.vault_transit_mount)
    return KeyEncryptions(masters, transit)
