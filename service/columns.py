"""Columns with data of tenants: sealed with the tenant's data key, or in clear as long as the tenant has none.

Two columns per value: a new one with the sealed bytes, and the one that versions before had, which is null where the value is sealed.
What must be found by its value is stored as a keyed hash or as a deterministic seal.
"""

import base64
import binascii
import json
import re
import zlib
from collections.abc import Iterable
from typing import Any, Final, Self

from runtime.platform.postgres import Database
from runtime.platform.sealing import Purpose, SealError, TenantKeys, key_version

__all__ = ["SEALED", "Columns", "clear_text"]

SEALED: Final = "sealed:"
"""How a sealed text begins in a column of texts."""
CLEAR: Final = "clear:"
"""How a text in clear begins there that begins like a sealed one, or like this."""
LIKE_A_SEAL: Final = re.compile(f"(?:{CLEAR})*{SEALED}")
COMPRESS_CHARACTERS: Final = 512
"""Texts from this length on are compressed before they are sealed: afterwards nothing can."""
PLAIN, COMPRESSED = b"\x00", b"\x01"


class Columns:
    """Seals and opens the columns of one tenant."""

    def __init__(self, keys: TenantKeys, tenant: str) -> None:
        self._keys, self._tenant = keys, tenant

    @classmethod
    async def of(cls, database: Database, tenant: str) -> Self:
        """Return the columns of a tenant, ready to seal. Raise DatabaseUnavailable, CredentialsUnavailable."""
        columns = cls(database.keys, tenant)
        await columns.load()
        return columns

    async def load(self, sealed: Iterable[bytes | None] = (b"",)) -> Self:
        """Be ready to open these values. Raise DatabaseUnavailable, CredentialsUnavailable."""
        for start in {each[:5]: each for each in sealed if each is not None}.values():
            await self._keys.load(self._tenant, start)
        return self

    @property
    def active(self) -> bool:
        """Whether what is written is sealed."""
        return self._keys.version(self._tenant) > 0

    def pair(self, place: tuple[str, ...], text: str | None) -> tuple[str | None, bytes | None]:
        """Return (clear, sealed) of a text, one of which is null.

        Args:
            place: table and key of the row: a sealed value opens in its row alone.
            text: null stays null.

        Raises:
            UnicodeEncodeError: half of a surrogate pair, which a clear column could not store either. See `storable_text`.
        """
        if text is None or not self.active:
            return text, None
        data = text.encode()
        packed = COMPRESSED + zlib.compress(data, 1) if len(data) >= COMPRESS_CHARACTERS else PLAIN + data
        return None, self._keys.seal(self._tenant, Purpose.COLUMN, packed, place=_place(place))

    def text(self, place: tuple[str, ...], clear: str | None, sealed: bytes | None) -> str | None:
        """Return the text of a pair; None: both are null. Raise SealError."""
        if sealed is None:
            return clear
        packed = self._keys.open(self._tenant, Purpose.COLUMN, sealed, place=_place(place))
        return (zlib.decompress(packed[1:]) if packed[:1] == COMPRESSED else packed[1:]).decode()

    def json(self, place: tuple[str, ...], clear: Any, sealed: bytes | None) -> Any:
        """Return the value of a pair of which `clear` is parsed JSON. Raise SealError."""
        return clear if sealed is None else json.loads(self.text(place, None, sealed) or "null")

    def digests(self, text: str) -> list[str]:
        """Return the keyed hash (hex) of a text under every data key, the newest first; none without a data key."""
        return [
            each.hex() for each in self._keys.digests(self._tenant, Purpose.COLUMN, text.encode("utf-8", "replace"))
        ]

    def searchable(self, place: str, text: str) -> list[str]:
        """Return every form in which a text may be stored in a column of texts: the one to write first.

        Equal texts are stored alike, so they can be looked for and not be read. A text that looks like a sealed one is marked as one
        in clear.
        """
        seals = self._keys.seals(self._tenant, Purpose.COLUMN, text.encode("utf-8", "replace"), place=place.encode())
        in_clear = CLEAR + text if LIKE_A_SEAL.match(text) else text
        return [*(SEALED + base64.b64encode(each).decode() for each in seals), in_clear]

    async def open_searchable(self, place: str, stored: str | None) -> str | None:
        """Return the text of one of the forms of `searchable`. Raise SealError: its key is gone."""
        if stored is None or not stored.startswith(SEALED):
            return clear_text(stored)
        sealed = _seal_in(stored)
        if sealed is None:  # a text of a version that did not mark such ones
            return stored
        await self._keys.load(self._tenant, sealed)
        return self._keys.open(self._tenant, Purpose.COLUMN, sealed, place=place.encode()).decode()


def _seal_in(stored: str) -> bytes | None:
    """Return the sealed bytes of a text; None: it only begins like one. No column is sealed without a data key."""
    try:
        sealed = base64.b64decode(stored.removeprefix(SEALED), validate=True)
        return sealed if key_version(sealed) else None
    except (binascii.Error, SealError):
        return None


def clear_text(stored: str | None) -> str | None:
    """Return the text of a form of `Columns.searchable` that is in clear."""
    if stored is not None and stored.startswith(CLEAR) and LIKE_A_SEAL.match(stored):
        return stored.removeprefix(CLEAR)
    return stored


def _place(parts: tuple[str, ...]) -> bytes:
    return "\x00".join(parts).encode()
