"""Text encodings as n8n's file nodes offer them, with base64, hex and byte order marks, by the names of iconv-lite."""

import base64
import binascii
import codecs
from typing import Final

from runtime.values.charsets import codec_of, plain_label
from runtime.values.well_formed import well_formed

__all__ = ["UnknownEncodingError", "decode", "detect", "encode", "from_base64"]

_BOM: Final = "\ufeff"
_WITH_BOM: Final = frozenset({"utf8", "cesu8", "ucs2"})
"""The encodings for which n8n shows its options about the byte order mark."""
_WIDE: Final = {"utf16": "utf-16", "utf32": "utf-32"}


class UnknownEncodingError(Exception):
    """Raised for a name that iconv-lite does not know, with its text."""

    def __init__(self, name: str) -> None:
        plain = plain_label(name)
        super().__init__(f"Encoding not recognized: '{name}' (searched as: '{plain}')")


def encode(text: str, name: str, *, bom: bool = False) -> bytes:
    """Return the bytes of a text; what the encoding lacks becomes `?`. Raise UnknownEncodingError."""
    plain = plain_label(name)
    if plain == "base64":
        return from_base64(text)
    if plain == "hex":
        return _from_hex(text)
    if bom and name in _WITH_BOM:
        text = _BOM + text
    if plain in _WIDE:  # iconv-lite: little-endian, with a mark
        return (_BOM + text).encode(f"{_WIDE[plain]}-le", "surrogatepass")
    codec = _codec(name)
    errors = "surrogatepass" if codec.startswith("utf-") else "replace"
    return text.encode(codec, errors)


def decode(data: bytes, name: str, *, strip_bom: bool = True) -> str:
    """Return the text of bytes, malformed ones replaced. Raise UnknownEncodingError."""
    plain = plain_label(name)
    if plain == "base64":
        return base64.b64encode(data).decode()
    if plain == "hex":
        return data.hex()
    if plain in ("utf16", "utf32"):
        text = data.decode(
            plain if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else f"{plain}-le", "replace"
        )
    else:
        text = data.decode(_codec(name), "replace")
    text = well_formed(text)
    return text.removeprefix(_BOM) if strip_bom or name not in _WITH_BOM else text


def detect(data: bytes) -> str:
    """Return the encoding of bytes: that of their mark, else UTF-8 when they are valid, else Western European."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf16"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "win1252"
    return "utf8"


def from_base64(text: str) -> bytes:
    """Return Node's `Buffer.from(text, 'base64')`: foreign characters are skipped, and padding ends it."""
    digits = "".join(
        c for c in text.partition("=")[0].translate(str.maketrans("-_", "+/")) if c.isascii() and c in _ALPHABET
    )
    digits = digits[: len(digits) - (len(digits) % 4 == 1)]
    return base64.b64decode(digits + "=" * (-len(digits) % 4))


_ALPHABET: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")


def _from_hex(text: str) -> bytes:
    pairs = bytearray()
    for at in range(0, len(text) - 1, 2):
        try:
            pairs += binascii.unhexlify(text[at : at + 2])
        except ValueError:
            break
    return bytes(pairs)


def _codec(name: str) -> str:
    codec = codec_of(name)
    if codec is None:
        raise UnknownEncodingError(name)
    return codec
