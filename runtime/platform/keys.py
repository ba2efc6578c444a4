"""Envelope encryption: one master key, one derived key per tenant and purpose, one key per message.

AES-256-GCM with a 192-bit nonce, as in XAES-256-GCM: the first half of the nonce derives a key for this message, the
second half is GCM's own nonce. So a busy tenant never nears the 2^32 messages that one GCM key allows.
A deterministic seal takes its nonce from a keyed hash of the plaintext: equal blobs of one tenant then share one row,
and their content stays secret to all who lack the key.
"""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from runtime.platform.settings import Settings

__all__ = ["Keyring", "Purpose", "SealError", "keyring", "new_master_key"]

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 24
KEY_ID_BYTES: Final = 4
HEADER_BYTES: Final = 1 + KEY_ID_BYTES + NONCE_BYTES
FORMAT: Final = b"\x01"
KEY_FILE: Final = "master.key"


class Purpose(StrEnum):
    """The use of a key: a sealed credential cannot be passed off as a payload, nor the other way round."""

    PAYLOAD = "payload"
    BLOB = "blob"
    CREDENTIAL = "credential"
    API_KEY = "api-key"
    RESUME_TOKEN = "resume-token"  # noqa: S105  # a label


class SealError(Exception):
    """Sealed bytes cannot be opened: not sealed here, changed, of another tenant, or their master key is gone."""


def new_master_key() -> str:
    """Return a new master key for `TEMPOR8_MASTER_KEY`: 32 random bytes in base64."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


class Keyring:
    """The current master key, which seals, and retired ones, which still open.

    Args:
        keys: master keys in base64, 32 bytes each; the first is the current one.

    Raises:
        SealError: when a key is not 32 bytes of base64. The message never shows it.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._masters = [_decode_key(key) for key in keys]
        if not self._masters:
            raise SealError("there is no master key: set TEMPOR8_MASTER_KEY")
        self._by_id = {_key_id(master): master for master in self._masters}

    def seal(self, tenant: str, purpose: Purpose, data: bytes, *, deterministic: bool = False) -> bytes:
        """Return `data` encrypted and authenticated for one tenant and purpose, 45 bytes longer."""
        master = self._masters[0]
        key = _derive(master, tenant, purpose)
        nonce = _digest(_derive(master, tenant, f"{purpose}/nonce"), data, NONCE_BYTES) if deterministic else None
        nonce = nonce or os.urandom(NONCE_BYTES)
        return b"".join((FORMAT, _key_id(master), nonce, _cipher(key, nonce).encrypt(nonce[12:], data, None)))

    def open(self, tenant: str, purpose: Purpose, sealed: bytes) -> bytes:
        """Return the plaintext of bytes from `seal`.

        Raises:
            SealError: wrong tenant, wrong purpose, changed bytes, or a master key that this process does not have.
        """
        if len(sealed) < HEADER_BYTES or sealed[:1] != FORMAT:
            raise SealError("these bytes were not sealed by this service")
        master = self._by_id.get(sealed[1 : 1 + KEY_ID_BYTES])
        if master is None:
            raise SealError("sealed with a master key that is neither current nor retired here")
        nonce = sealed[1 + KEY_ID_BYTES : HEADER_BYTES]
        try:
            return _cipher(_derive(master, tenant, purpose), nonce).decrypt(nonce[12:], sealed[HEADER_BYTES:], None)
        except InvalidTag:
            raise SealError(f"not sealed for this tenant and purpose ({purpose}), or changed since") from None

    def fingerprint(self, tenant: str, purpose: Purpose, data: bytes) -> bytes:
        """Return a keyed hash (32 bytes) under the current master key: an address that does not reveal the data."""
        return _digest(_derive(self._masters[0], tenant, f"{purpose}/fingerprint"), data, 32)

    def fingerprints(self, tenant: str, purpose: Purpose, data: bytes) -> list[bytes]:
        """Return the `fingerprint` under every master key, the current one first: for look-ups after a rotation."""
        return [_digest(_derive(master, tenant, f"{purpose}/fingerprint"), data, 32) for master in self._masters]


def keyring(settings: Settings) -> Keyring:
    """Return the keyring of the settings; without TEMPOR8_MASTER_KEY, with a key that is created once (mode 600) in the
    state folder.

    Raises:
        SealError: a key is malformed.
    """
    retired = settings.retired_master_keys.get_secret_value() if settings.retired_master_keys else ""
    old = [key.strip() for key in retired.split(",") if key.strip()]
    if settings.master_key:
        return Keyring([settings.master_key.get_secret_value().strip(), *old])
    key_file = settings.state_folder / KEY_FILE
    if not key_file.exists():
        _write_once(key_file, new_master_key())
    return Keyring([key_file.read_text(encoding="ascii").strip(), *old])


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


@lru_cache(maxsize=4096)  # tenants x purposes; a derivation costs 20 µs, a look-up none
def _derive(master: bytes, tenant: str, purpose: str) -> bytes:
    info = b"\x00".join((b"tempor8", purpose.encode(), tenant.encode()))
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(master)


def _cipher(key: bytes, nonce: bytes) -> AESGCM:
    return AESGCM(hmac.digest(key, nonce[:12], "sha256"))


def _digest(key: bytes, data: bytes, size: int) -> bytes:
    return hashlib.blake2b(data, key=key, digest_size=size).digest()
