"""The character sets that bytes from outside may be read in, by every name that Node's iconv-lite and browsers have for them.

Python has more codecs than these: some of them are no character sets (`zlib`, `rot13`, `unicode_escape`), and some take
quadratic time (`punycode`, `idna`). A name from outside never reaches `codecs.lookup`.
Sources: https://encoding.spec.whatwg.org/#names-and-labels, https://github.com/pillarjs/iconv-lite/wiki/Supported-Encodings.
"""

from typing import Final

from runtime.values.well_formed import well_formed

__all__ = ["ALL_CODECS", "codec_of", "decode_as", "plain_label"]

_LABELS: Final = {
    "utf-8": "utf8 cesu8 utf8mb4 unicode11utf8 unicode20utf8 xunicode20utf8",
    "utf-16-le": "ucs2 utf16 utf16le unicode iso10646ucs2 csunicode unicodefeff",
    "utf-16-be": "utf16be unicodefffe", "utf-32-le": "utf32le ucs4le", "utf-32-be": "utf32be ucs4be", "utf-7": "utf7 utf7imap",
    "ascii": "ascii usascii ansix341968 iso646us us isoir6", "latin-1": "binary latin1 iso88591 l1 cp819 ibm819 isoir100",
    "iso8859-2": "iso88592 latin2 l2 isoir101 cp28592", "iso8859-3": "iso88593 latin3 l3 isoir109 cp28593",
    "iso8859-4": "iso88594 latin4 l4 isoir110 cp28594", "iso8859-5": "iso88595 cyrillic isoir144 cp28595",
    "iso8859-6": "iso88596 arabic iso88596e iso88596i asmo708 ecma114 isoir127 cp28596",
    "iso8859-7": "iso88597 greek greek8 sungreek ecma118 elot928 isoir126 cp28597",
    "iso8859-8": "iso88598 iso88598e iso88598i hebrew logical visual isoir138 cp28598",
    "iso8859-9": "iso88599 latin5 l5 isoir148 cp28599", "iso8859-10": "iso885910 latin6 l6 isoir157",
    "iso8859-11": "iso885911", "iso8859-13": "iso885913 latin7 l7 cp28603", "iso8859-14": "iso885914 latin8 l8",
    "iso8859-15": "iso885915 latin9 l9 cp28605", "iso8859-16": "iso885916 latin10 l10",
    "koi8-r": "koi8r koi8 koi cp20866", "koi8-u": "koi8u koi8ru cp21866", "koi8-t": "koi8t", "hp-roman8": "hproman8 roman8",
    "mac-roman": "macroman macintosh xmacroman cp10000", "mac-cyrillic": "maccyrillic xmaccyrillic macukraine xmacukrainian",
    "mac-greek": "macgreek", "mac-iceland": "maciceland", "mac-latin2": "maccenteuro maclatin2", "mac-turkish": "macturkish",
    "mac-croatian": "maccroatian", "mac-romanian": "macromania",
    "tis-620": "tis620", "kz1048": "kz1048 rk1048", "ptcp154": "pt154 ptcp154", "johab": "johab",
    "shift-jis": "shiftjis sjis csshiftjis xsjis mskanji xmacjapanese", "cp932": "cp932 windows31j ms932 ms31j win932",
    "euc-jp": "eucjp xeucjp cseucpkdfmtjapanese", "iso2022-jp": "iso2022jp csiso2022jp",
    "euc-kr": "euckr cseuckr ksc5601 ksc56011987 ksc56011989 ksx1001 korean isoir149", "cp949": "cp949 windows949 uhc ms949 win949",
    "gb2312": "gb2312 gb231280 csgb2312 euccn cneuc chinese gb23121980 isoir58",
    "gbk": "gbk xgbk cp936 ms936 win936 windows936", "gb18030": "gb18030",
    "big5hkscs": "big5hkscs", "big5": "big5 cnbig5 xxbig5 csbig5", "cp950": "cp950 win950 windows950 ms950",
}  # fmt: skip
_CODE_PAGES: Final = (
    437, 720, 737, 775, 850, 852, 855, 856, 857, 858, 860, 861, 862, 863, 864, 865, 866, 869, 874, 1006, 1125,
    1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258,
)  # fmt: skip
_CODECS: Final = {label: codec for codec, labels in _LABELS.items() for label in labels.split()} | {
    f"{prefix}{page}": f"cp{page}" for page in _CODE_PAGES for prefix in ("cp", "win", "windows", "ibm", "xcp", "csibm")
}
ALL_CODECS: Final = frozenset(_CODECS.values())
"""The names of Python's codecs that a label may stand for."""
_LONGEST_LABEL: Final = 64


def plain_label(label: str) -> str:
    """Return a label as iconv-lite looks it up: letters and digits, in lower case."""
    return "".join(each for each in label.lower() if each.isalnum())


def codec_of(label: str) -> str | None:
    """Return the name of Python's codec for a character set, None for a label that names none."""
    return _CODECS.get(plain_label(label)) if len(label) <= _LONGEST_LABEL else None


def decode_as(data: bytes, label: str | None) -> str:
    """Return the text of bytes; malformed ones become U+FFFD, and no half of a surrogate pair comes out.

    A label that is missing or unknown counts as UTF-8, as n8n takes it.
    """
    return well_formed(data.decode(codec_of(label or "") or "utf-8", "replace"))
