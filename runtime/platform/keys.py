"""The keys of a process: master keys, and the data keys of tenants as they are needed.

A tenant's data keys are random, have versions, and are stored wrapped: whoever deletes them makes everything unreadable that they
sealed. Before a tenant has one, and for what was sealed then, a key is derived from the master key (version 0).
"""

import asyncio
import base64
import os
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from runtime.platform.data_keys import DataKeyTable
from runtime.platform.key_encryption import KeyEncryption, KeyEncryptions, key_encryptions
from runtime.platform.sealing import (
    KEY_BYTES,
    MasterKeys,
    Purpose,
    SealError,
    derive,
    digest,
    key_version,
    open_versioned,
    seal_versioned,
)
from runtime.platform.settings import Settings
from runtime.platform.telemetry.logging import get_logger

__all__ = ["KEY_SECONDS", "Keyring", "Purpose", "SealError", "keyring", "new_master_key"]

log = get_logger("tempor8.keys")

KEY_FILE: Final = "master.key"
KEY_SECONDS: Final = 30.0
"""How long data keys in memory are believed to be all: after a rotation, every process seals with the new one within this time."""
UNKNOWN_SECONDS: Final = 5.0
"""The same for a tenant that has none, and after a reload that failed."""


def new_master_key() -> str:
    """Return a new master key for `TEMPOR8_MASTER_KEY`: 32 random bytes in base64."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


class Keyring:
    """Seals and opens for tenants. `seal` and `open` are synchronous, so `load` the tenant's data keys before.

    Args:
        keys: master keys in base64, 32 bytes each; the first is the current one, the others are retired and still open.
        table: the data keys; None: there are none, and every key is derived from the master key.
        encryption: opens their wrapping; None: the master keys do.

    Raises:
        SealError: when a key is not 32 bytes of base64. The message never shows it.
    """

    def __init__(
        self, keys: Sequence[str], table: DataKeyTable | None = None, encryption: KeyEncryption | None = None
    ) -> None:
        self._masters = MasterKeys(keys)
        self._table, self._encryption = table, encryption or KeyEncryptions(self._masters)
        self._data_keys: dict[str, dict[int, bytes]] = {}
        """Tenant -> version -> key, the newest last."""
        self._loaded_until: dict[str, float] = {}
        self._loading: dict[str, asyncio.Task[None]] = {}

    async def load(self, tenant: str, sealed: bytes = b"") -> None:
        """Have the tenant's data keys in memory, the one that opens `sealed` among them if there is such a key. What was read once
        is read again in the background: a server that is slow or away holds nobody up who has the keys.

        Raises:
            DatabaseUnavailable: Postgres does not answer, and the keys were never read.
            CredentialsUnavailable: Vault does not answer.
        """
        if self._table is None or not tenant:
            return
        known = self._data_keys.get(tenant)
        # never "none" because they could not be read: what is to be sealed would be written in clear
        needed = known is None or (bool(sealed) and key_version(sealed) not in {0, *known})
        if not needed and time.monotonic() < self._loaded_until.get(tenant, 0.0):
            return
        if (loading := self._loading.get(tenant)) is None:
            loading = self._loading[tenant] = asyncio.ensure_future(self._read(tenant, self._table))
            loading.add_done_callback(lambda done: self._loaded(tenant, done))
        if needed:
            await asyncio.shield(loading)

    def _loaded(self, tenant: str, done: asyncio.Task[None]) -> None:
        self._loading.pop(tenant, None)
        if not done.cancelled() and (error := done.exception()) is not None:  # nobody else may look
            self._loaded_until[tenant] = time.monotonic() + UNKNOWN_SECONDS
            log.warning("data keys are not read", tenant=tenant, error=type(error).__name__)

    async def _read(self, tenant: str, table: DataKeyTable) -> None:
        known = self._data_keys.get(tenant, {})
        rows = await table.read(tenant)
        keys: dict[int, bytes] = {}
        for row in rows:
            key = known.get(row.version)
            if key is None:
                key = await asyncio.to_thread(self._encryption.unwrap, tenant, row.version, row.wrapped)
            keys[row.version] = key
        self._data_keys[tenant] = keys
        self._loaded_until[tenant] = time.monotonic() + (KEY_SECONDS if keys else UNKNOWN_SECONDS)

    async def create(self, tenant: str, *, after: int = 0) -> int:
        """Make the data key that follows version `after`, unless somebody has, and return the newest version; 0: there is no such
        tenant, or it is being deleted.

        Raises:
            DatabaseUnavailable, CredentialsUnavailable: nothing was made.
        """
        if self._table is None:
            return 0
        key, version = os.urandom(KEY_BYTES), after + 1
        await self._table.add(tenant, version, await asyncio.to_thread(self._encryption.wrap, tenant, version, key))
        await self._read(tenant, self._table)
        return self.version(tenant)

    async def rotate(self, tenant: str) -> int:
        """Make a new data key, which seals from now on, and return its version. Raise as `create`."""
        if self._table is not None:
            await self._read(tenant, self._table)
        return await self.create(tenant, after=self.version(tenant))

    async def wrap_again(self, tenant: str) -> int:
        """Wrap the data keys of a tenant with the key-encryption key of today; return their number. Raise as `create`."""
        rows = await self._table.read(tenant) if self._table is not None else []
        for row in rows:
            key = await asyncio.to_thread(self._encryption.unwrap, tenant, row.version, row.wrapped)
            wrapped = await asyncio.to_thread(self._encryption.wrap, tenant, row.version, key)
            assert self._table is not None
            await self._table.replace(tenant, row.version, wrapped)
        return len(rows)

    def version(self, tenant: str) -> int:
        """Return the version of the data key that seals for a tenant; 0: a key derived from the master key does."""
        return next(reversed(self._data_keys.get(tenant) or {0: b""}))

    def seal(
        self, tenant: str, purpose: Purpose, data: bytes, *, deterministic: bool = False, place: bytes = b""
    ) -> bytes:
        """Return `data` encrypted and authenticated for one tenant and purpose, 45 bytes longer.

        Args:
            tenant: whose key is used.
            purpose: of the key.
            data: the plaintext.
            deterministic: equal plaintexts give equal results.
            place: where the result belongs: it opens there alone. Ignored while the tenant has no data key.
        """
        if (version := self.version(tenant)) == 0:
            return self._masters.seal(tenant, purpose, data, deterministic=deterministic)
        key = self._data_keys[tenant][version]
        return seal_versioned(version, key, tenant, purpose, data, deterministic=deterministic, place=place)

    def seals(self, tenant: str, purpose: Purpose, data: bytes, *, place: bytes = b"") -> list[bytes]:
        """Return the deterministic seal under every data key of a tenant, the newest first: for look-ups after a rotation."""
        return [
            seal_versioned(version, key, tenant, purpose, data, deterministic=True, place=place)
            for version, key in reversed(self._data_keys.get(tenant, {}).items())
        ]

    def digests(self, tenant: str, purpose: Purpose, data: bytes) -> list[bytes]:
        """Return a keyed hash (32 bytes) under every data key of a tenant, the newest first: for look-ups of what is not opened."""
        keys = reversed(self._data_keys.get(tenant, {}).values())
        return [digest(derive(key, tenant, f"{purpose}/digest"), data, 32) for key in keys]

    def open(self, tenant: str, purpose: Purpose, sealed: bytes, *, place: bytes = b"") -> bytes:
        """Return the plaintext of bytes from `seal`.

        Raises:
            SealError: wrong tenant, purpose or place, changed bytes, or a key that this process does not have.
        """
        if (version := key_version(sealed)) == 0:
            return self._masters.open(tenant, purpose, sealed)
        key = self._data_keys.get(tenant, {}).get(version)
        if key is None:
            raise SealError(f"data key {version} of tenant {tenant} is not here: it was deleted, or was not loaded")
        return open_versioned(key, tenant, purpose, sealed, place=place)

    def fingerprint(self, tenant: str, purpose: Purpose, data: bytes) -> bytes:
        """Return a keyed hash (32 bytes) under the current master key: an address that does not reveal the data."""
        return self._masters.fingerprint(tenant, purpose, data)

    def fingerprints(self, tenant: str, purpose: Purpose, data: bytes) -> list[bytes]:
        """Return the `fingerprint` under every master key, the current one first: for look-ups after a rotation."""
        return self._masters.fingerprints(tenant, purpose, data)


def keyring(settings: Settings) -> Keyring:
    """Return the keyring of the settings; without TEMPOR8_MASTER_KEY, with a key that is created once (mode 600) in the
    state folder.

    Raises:
        SealError: a key is malformed.
        CredentialsUnavailable: Vault is to wrap the data keys, and a setting of it is missing.
    """
    keys = _master_keys(settings)
    encryption = key_encryptions(settings, MasterKeys(keys))
    return Keyring(
        keys, DataKeyTable(settings.database_url.get_secret_value()) if settings.database_url else None, encryption
    )


def _master_keys(settings: Settings) -> list[str]:
    retired = settings.retired_master_keys.get_secret_value() if settings.retired_master_keys else ""
    old = [key.strip() for key in retired.split(",") if key.strip()]
    if settings.master_key:
        return [settings.master_key.get_secret_value().strip(), *old]
    key_file = settings.state_folder / KEY_FILE
    if not key_file.exists():
        _write_once(key_file, new_master_key())
    return [key_file.read_text(encoding="ascii").strip(), *old]


def _write_once(path: Path, text: str) -> None:
    """Create a file with mode 600, unless another process was faster (a link cannot overwrite)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    scratch.touch(mode=0o600, exist_ok=False)
    scratch.write_text(text, encoding="ascii")
    try:
        path.hardlink_to(scratch)
    except FileExistsError:
        pass
    finally:
        scratch.unlink()
