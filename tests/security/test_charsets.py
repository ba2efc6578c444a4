"""The character sets that callers, servers and authors may name: known ones, in linear time, without surrogates."""

import encodings.aliases
from collections.abc import Callable

import pytest

from api.triggers.bodies import read_body
from runtime.http.answer import decode as decode_answer
from runtime.values.charsets import codec_of, decode_as
from runtime.values.encodings import UnknownEncodingError, decode, encode
from schemas.plan import Kind, Step
from tests.security.growth import super_linear

NO_CHARACTER_SETS = [
    "punycode", "idna", "rot13", "rot_13", "zlib", "zip", "bz2", "hex", "base64", "uu", "quopri", "undefined", "mbcs",
    "unicode_escape", "unicode-escape", "raw_unicode_escape", "charmap", "utf_8_sig\0", "oem", "x" * 100_000,
]  # fmt: skip
ALL_OF_PYTHON = sorted({*encodings.aliases.aliases, *encodings.aliases.aliases.values(), *NO_CHARACTER_SETS})
WEBHOOK = Step(name="W", type="n8n-nodes-base.webhook", version=2, kind=Kind.INLINE, parameters={"options": {}})


def from_caller(data: bytes, charset: str) -> str:
    return str(read_body(WEBHOOK, {"content-type": f"text/plain; charset={charset}"}, data).value)


DOORS = {"a caller": from_caller, "a server": decode_answer}


@pytest.mark.parametrize("name", NO_CHARACTER_SETS)
@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_what_is_no_character_set_counts_as_utf_8(door: Callable[[bytes, str], str], name: str) -> None:
    assert door("Ä \\ud800 %".encode(), name) == "Ä \\ud800 %"


@pytest.mark.parametrize("name", [name for name in NO_CHARACTER_SETS if name not in ("hex", "base64")])
def test_an_author_is_told_that_it_is_none(name: str) -> None:
    """hex and base64 are forms of bytes that n8n's nodes offer beside the character sets."""
    with pytest.raises(UnknownEncodingError):
        decode(b"x", name)
    with pytest.raises(UnknownEncodingError):
        encode("x", name)


@pytest.mark.parametrize(
    ("label", "data", "text"),
    [
        ("ISO-8859-1", b"\xe4", "ä"), ("windows-1251", b"\xe4", "д"), ("Shift_JIS", b"\x83\x41", "ア"), ("GBK", b"\xc4\xe3", "你"),
        ("utf-16", "ä".encode("utf-16-le"), "ä"), ("KOI8-R", b"\xc1", "а"), ("macintosh", b"\x8a", "ä"), ("euc-kr", b"\xb0\xa1", "가"),
        ("big5", b"\xa4\xa4", "中"), ("us-ascii", b"a\xe4", "a\ufffd"), ("iso-2022-jp", b'\x1b$B%"\x1b(B', "ア"), ("cp437", b"\x84", "ä"),
    ],
)  # fmt: skip
def test_known_character_sets_are_read(label: str, data: bytes, text: str) -> None:
    assert decode_as(data, label) == text


@pytest.mark.parametrize("label", ["utf-7", "utf-16", "utf-16be", "utf-32", "utf-8", "cesu-8", "gb18030"])
def test_no_half_of_a_surrogate_pair_comes_out(label: str) -> None:
    halves = [b"\x00\xd8" * 3, b"\xd8\x00" * 3, b"+2AA-", b"\xed\xa0\x80", b"\x00\xd8\x00\x00", b"\x84\x31\xa4\x37"]
    for data in halves:
        for text in (decode_as(data, label), decode_answer(data, label)):
            assert not any("\ud800" <= each <= "\udfff" for each in text)


@pytest.mark.parametrize("label", ALL_OF_PYTHON)
def test_no_label_takes_more_than_linear_time(label: str) -> None:
    for pump in (b"a", b"\xff\xfe", b"xn--a-", b"+2AA", b"\x1b$B%", b"\x81\x30"):
        assert super_linear(lambda text, pump=pump: decode_as(pump * len(text), label), lambda n: "a" * n) is None  # type: ignore[misc]


def test_labels_name_codecs_that_exist() -> None:
    for label in ("utf8", "latin1", "koi8-t", "mac-romanian", "cp1258", "windows-874"):
        codec = codec_of(label)
        assert codec is None or isinstance(b"a".decode(codec), str)
