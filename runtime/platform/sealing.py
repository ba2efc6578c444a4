"""Seal bytes: AES-256-GCM with one key per tenant and purpose, and of that one key per message.

The nonce has 192 bits, as in XAES-256-GCM: its first half derives a key for this message, the second half is GCM's own nonce. So a
busy tenant never nears the 2^32 messages that one GCM key allows.
A deterministic seal takes its nonce from a keyed hash of the plaintext: equal plaintexts of one tenant then look equal, and their
content stays secret to all who lack the key.
"""

import base64
import binascii
import hashlib
import hmac
import os
import struct
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from schemas.errors import InfrastructureError

__all__ = [
    "KEY_BYTES",
    "MasterKeys",
    "Purpose",
    "SealError",
    "TenantKeys",
    "key_version",
    "open_versioned",
    "seal_versioned",
]

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 24
KEY_ID_BYTES: Final = 4
HEADER_BYTES: Final = 1 + KEY_ID_BYTES + NONCE_BYTES
DERIVED: Final = b"\x01"
"""First byte: sealed with a key derived from the master key, whose id follows."""
VERSIONED: Final = b"\x02"
"""First byte: sealed with a data key of the tenant, whose version follows."""


class Purpose(StrEnum):
    """The use of a key: a sealed credential cannot be passed off as a payload, nor the other way round."""

    PAYLOAD = "payload"
    BLOB = "blob"
    CREDENTIAL = "credential"
    API_KEY = "api-key"
    ARCHIVE = "archive"
    AUDIT = "audit"
    COLUMN = "column"
    DATA_KEY = "data-key"
    START_KEY = "start-key"
    ACCOUNT_LINK = "account-link"
    ACCOUNT_STATE = "account-state"
    CONSOLE_SESSION = "console-session"
    RESUME_TOKEN = "resume-token"  # noqa: S105  # a label


class SealError(InfrastructureError):
    """Sealed bytes cannot be opened: not sealed here, changed, of another tenant or place, or their key is gone."""


class TenantKeys(Protocol):
    """What seals and opens for tenants; see `runtime.platform.keys.Keyring`."""

    async def load(self, tenant: str, sealed: bytes = b"") -> None:
        """Have the tenant's data keys in memory, the one that opens `sealed` among them."""

    def version(self, tenant: str) -> int:
        """Return the version of the key that seals for a tenant."""

    def seal(
        self, tenant: str, purpose: Purpose, data: bytes, *, deterministic: bool = False, place: bytes = b""
    ) -> bytes:
        """Return sealed bytes."""

    def seals(self, tenant: str, purpose: Purpose, data: bytes, *, place: bytes = b"") -> list[bytes]:
        """Return the deterministic seal under every data key."""

    def digests(self, tenant: str, purpose: Purpose, data: bytes) -> list[bytes]:
        """Return a keyed hash under every data key."""

    def open(self, tenant: str, purpose: Purpose, sealed: bytes, *, place: bytes = b"") -> bytes:
        """Return the plaintext."""


class MasterKeys:
    """Master keys: the current one, which seals, and retired ones, which still open.

    Args:
        keys: in base64, 32 bytes each; the first is the current one.

    Raises:
        SealError: when a key is not 32 bytes of base64. The message never shows it.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._masters = [_decode_key(key) for key in keys]
        if not self._masters:
            raise SealError("there is no master key: set TEMPOR8_MASTER_KEY")
        self._by_id = {_key_id(master): master for master in self._masters}

    def seal(self, tenant: str, purpose: Purpose, data: bytes, *, deterministic: bool = False) -> bytes:
        """Return `data` sealed with a key derived from the current master key."""
        header = DERIVED + _key_id(self._masters[0])
        return _seal(header, self._masters[0], tenant, purpose, data, b"", deterministic=deterministic)

    def open(self, tenant: str, purpose: Purpose, sealed: bytes) -> bytes:
        """Return the plaintext of bytes from `seal`. Raises SealError."""
        master = self._by_id.get(_key_of(sealed))
        if master is None:
            raise SealError("sealed with a master key that is neither current nor retired here")
        return _open(master, tenant, purpose, sealed, b"")

    def fingerprint(self, tenant: str, purpose: Purpose, data: bytes) -> bytes:
        """Return a keyed hash (32 bytes) under the current master key."""
        return _fingerprint(self._masters[0], tenant, purpose, data)

    def fingerprints(self, tenant: str, purpose: Purpose, data: bytes) -> list[bytes]:
        """Return the `fingerprint` under every master key, the current one first."""
        return [_fingerprint(master, tenant, purpose, data) for master in self._masters]


def seal_versioned(
    version: int,
    key: bytes,
    tenant: str,
    purpose: Purpose,
    data: bytes,
    *,
    deterministic: bool = False,
    place: bytes = b"",
) -> bytes:
    """Return `data` sealed with a data key. It opens with the same `place` alone."""
    return _seal(VERSIONED + struct.pack(">I", version), key, tenant, purpose, data, place, deterministic=deterministic)


def open_versioned(key: bytes, tenant: str, purpose: Purpose, sealed: bytes, *, place: bytes = b"") -> bytes:
    """Return the plaintext of bytes from `seal_versioned`. Raises SealError."""
    return _open(key, tenant, purpose, sealed, place)


def key_version(sealed: bytes) -> int:
    """Return the version of the data key that sealed these bytes; 0: a key derived from a master key did.

    Raises:
        SealError: they are not sealed.
    """
    id_ = _key_of(sealed)
    return int.from_bytes(id_, "big") if sealed[:1] == VERSIONED else 0


@lru_cache(maxsize=4096)  # tenants x purposes; a derivation costs 20 µs, a look-up none
def derive(key: bytes, tenant: str, purpose: str) -> bytes:
    """Return the key (32 bytes) of a tenant and purpose."""
    info = b"\x00".join((b"tempor8", purpose.encode(), tenant.encode()))
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(key)


def digest(key: bytes, data: bytes, size: int) -> bytes:
    """Return a keyed hash of `size` bytes."""
    return hashlib.blake2b(data, key=key, digest_size=size).digest()


def _fingerprint(master: bytes, tenant: str, purpose: Purpose, data: bytes) -> bytes:
    return digest(derive(master, tenant, f"{purpose}/fingerprint"), data, 32)


def _key_of(sealed: bytes) -> bytes:
    if len(sealed) < HEADER_BYTES or sealed[:1] not in (DERIVED, VERSIONED):
        raise SealError("these bytes were not sealed by this service")
    return sealed[1 : 1 + KEY_ID_BYTES]


def _seal(
    header: bytes, key: bytes, tenant: str, purpose: Purpose, data: bytes, place: bytes, *, deterministic: bool
) -> bytes:
    if deterministic:  # of the place, too: one nonce never serves two messages
        nonce_key = derive(key, tenant, f"{purpose}/nonce")
        nonce = digest(nonce_key, digest(nonce_key, place, 32) + data if place else data, NONCE_BYTES)
    else:
        nonce = os.urandom(NONCE_BYTES)
    return b"".join((header, nonce, _cipher(derive(key, tenant, purpose), nonce).encrypt(nonce[12:], data, place)))


def _open(key: bytes, tenant: str, purpose: Purpose, sealed: bytes, place: bytes) -> bytes:
    nonce = sealed[1 + KEY_ID_BYTES : HEADER_BYTES]
    try:
        return _cipher(derive(key, tenant, purpose), nonce).decrypt(nonce[12:], sealed[HEADER_BYTES:], place)
    except InvalidTag:
        raise SealError(f"not sealed for this tenant, purpose ({purpose}) and place, or changed since") from None


def _decode_key(key: str) -> bytes:
    try:
        raw = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != KEY_BYTES:
        raise SealError(
            "a master key must be 32 bytes in base64; make one with: "
            "python -c 'import base64, secrets; print(base64.b64encode(secrets.token_bytes(32)).decode())'"
        )
    return raw


@lru_cache(maxsize=64)
def _key_id(master: bytes) -> bytes:
    return hmac.digest(master, b"tempor8 key id", "sha256")[:KEY_ID_BYTES]


def _cipher(key: bytes, nonce: bytes) -> AESGCM:
    return AESGCM(hmac.digest(key, nonce[:12], "sha256"))
