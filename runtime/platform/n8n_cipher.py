"""Open what n8n sealed with its encryption key: AES-256-CBC in the format of CryptoJS and `openssl enc -md md5`."""

import base64
import hashlib
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

__all__ = ["N8nCipherError", "open_sealed"]

_MAGIC: Final = b"Salted__"
_SALT_BYTES: Final = 8
_KEY_BYTES: Final = 32
_BLOCK_BYTES: Final = 16


class N8nCipherError(ValueError):
    """A text was not sealed by n8n, or with another key. The message has nothing of either."""


def open_sealed(sealed: str, key: str) -> str:
    """Return the text in `sealed` (Base64), as n8n sealed it with `key`, its N8N_ENCRYPTION_KEY.

    The format has no authentication: a wrong key is noticed by its padding or by text that is not UTF-8, almost always.

    Raises:
        N8nCipherError: it cannot be opened.
    """
    try:
        raw = base64.b64decode(sealed, validate=True)
    except ValueError:
        raise N8nCipherError("it is not Base64") from None
    head, body = raw[: len(_MAGIC) + _SALT_BYTES], raw[len(_MAGIC) + _SALT_BYTES :]
    if not head.startswith(_MAGIC) or not body or len(body) % _BLOCK_BYTES:
        raise N8nCipherError("it does not have n8n's format")
    secret, vector = _derived(key.encode(), head[len(_MAGIC) :])
    decryptor, unpadder = Cipher(algorithms.AES(secret), modes.CBC(vector)).decryptor(), PKCS7(128).unpadder()
    try:
        return (unpadder.update(decryptor.update(body) + decryptor.finalize()) + unpadder.finalize()).decode()
    except ValueError:  # UnicodeDecodeError is one
        raise N8nCipherError("it was sealed with another key") from None


def _derived(passphrase: bytes, salt: bytes) -> tuple[bytes, bytes]:
    """Return key and initialisation vector: OpenSSL's EVP_BytesToKey with MD5 and one round."""
    derived, block = b"", b""
    while len(derived) < _KEY_BYTES + _BLOCK_BYTES:
        block = hashlib.md5(block + passphrase + salt).digest()  # noqa: S324 - n8n's format
        derived += block
    return derived[:_KEY_BYTES], derived[_KEY_BYTES : _KEY_BYTES + _BLOCK_BYTES]
