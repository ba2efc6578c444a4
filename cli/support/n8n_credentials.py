"""Read what n8n exports of its credentials, decrypted or sealed with its key."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

__all__ = ["ExportedCredential", "UnreadableExportError", "encryption_key", "read_credentials"]

KEY_VARIABLE: Final = "N8N_ENCRYPTION_KEY"


class UnreadableExportError(ValueError):
    """An export of credentials cannot be read. The message says where and why, and has no value of it."""


@dataclass(frozen=True)
class ExportedCredential:
    """One credential of an n8n."""

    type: str
    name: str
    data: Mapping[str, Any]


def encryption_key(file: Path | None) -> str | None:
    """Return n8n's encryption key: of a file (the key alone, or n8n's `config`), else of the environment; None: none is set.

    Raises:
        UnreadableExportError: the file cannot be read, or has no key.
    """
    if file is None:
        return os.environ.get(KEY_VARIABLE) or None
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise UnreadableExportError(f"{file}: {reason}") from None
    if text.startswith("{"):
        try:
            text = str(json.loads(text).get("encryptionKey") or "")
        except ValueError:
            raise UnreadableExportError(f"{file}: neither a key nor n8n's config") from None
    if not text:
        raise UnreadableExportError(f"{file}: no key in it")
    return text


def read_credentials(text: str, where: str, key: str | None) -> list[ExportedCredential]:
    """Return the credentials of what `n8n export:credentials` wrote, with `--decrypted` or without.

    Args:
        text: the file's.
        where: its name, for messages.
        key: n8n's encryption key, for sealed ones.

    Raises:
        UnreadableExportError: one of them is malformed, or does not open.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:  # a message with a place, and nothing of the text
        raise UnreadableExportError(f"{where}: not JSON ({error})") from None
    return list(_entries(document if isinstance(document, list) else [document], where, key))


def _entries(documents: list[Any], where: str, key: str | None) -> Iterator[ExportedCredential]:
    for number, each in enumerate(documents, 1):
        at = f"{where}: entry {number}"
        if not isinstance(each, dict) or not all(
            isinstance(each.get(field), str) and each[field].strip() for field in ("type", "name")
        ):
            raise UnreadableExportError(f"{at} has no type and name: this is no export of n8n's credentials")
        data = each.get("data")
        if isinstance(data, str):
            data = _opened(data, f"{at} ({each['name']!r})", key)
        if not isinstance(data, dict):
            raise UnreadableExportError(f"{at} ({each['name']!r}) has no fields in `data`")
        yield ExportedCredential(each["type"], each["name"], data)


def _opened(sealed: str, at: str, key: str | None) -> Any:
    from runtime.platform.n8n_cipher import N8nCipherError, open_sealed

    if key is None:
        raise UnreadableExportError(
            f"{at} is sealed with n8n's key: set {KEY_VARIABLE} or give --key-file, or export it with "
            "`n8n export:credentials --decrypted`"
        )
    try:
        return json.loads(open_sealed(sealed, key))
    except N8nCipherError as error:
        raise UnreadableExportError(f"{at} does not open: {error}") from None
    except (ValueError, RecursionError):
        raise UnreadableExportError(f"{at} does not open: it was sealed with another key") from None
