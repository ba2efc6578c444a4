"""The hostile values."""

import json
from typing import Any, Final

IN_ADDRESS: Final = {
    "a NUL": "a%00b",
    "half an emoji": "a%ED%A0%BD",
    "bytes that are no UTF-8": "%FF%FE%80",
    "a percent sign alone": "%",
    "a percent sign before no digits": "%zz",
    "an escape that is cut off": "a%e",
    "line breaks": "a%0D%0Ab:c",
    "a way upwards": "..%2F..%2Fetc",
    "a slash that is escaped": "a%2Fb",
    "twice escaped": "%2500",
    "very long": "x" * 5_000,
    "empty": "",
    "quotes": "'%22%5C;--",
    "not a number": "NaN",
    "no end": "Infinity",
    "below zero": "-1",
    "a number beyond any": "9" * 400,
    "an exponent beyond any": "1e999",
    "digits that are not ASCII": "%EF%BC%91",
    "beyond an integer of Postgres": "9223372036854775808",
    "a list": "[1]",
    "neither true nor false": "maybe",
    "ids of nobody": "acme:%00:x",
    "only colons": ":::",
}
"""As it is written in a path or a query."""

IN_HEADER: Final = {
    "empty": "", "not ASCII": "\xe9\xff", "very long": "x" * 9_000, "a number beyond any": "9" * 400, "below zero": "-1",
    "a bearer of nothing": "Bearer ", "many commas": "," * 5_000, "a tab": "\t",
}  # fmt: skip

IN_JSON: Final[dict[str, Any]] = {
    "a NUL": "a\x00b", "half an emoji": "a\ud83d", "very long": "x" * 5_000, "empty": "", "nothing": None, "a number": 1,
    "below zero": -1, "beyond an integer": 10**30, "a fraction": 1.5, "true": True, "a list": [1], "an object": {"a": 1},
    "a key with a NUL": {"a\x00b": 1}, "a key with half an emoji": {"\ud83d": 1}, "an empty key": {"": 1},
    "prototypes": {"__proto__": {"a": 1}, "constructor": 1},
}  # fmt: skip


def _deep(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


BODIES: Final = {
    "nothing": b"", "an open brace": b"{", "null": b"null", "a list": b"[]", "a number": b"1", "a text": b'"x"',
    "no UTF-8": b'{"a": "\xff\xfe"}', "half an emoji": b'{"a": "\\ud83d"}', "a NUL": b'{"a": "\\u0000"}', "a raw NUL": b"\x00",
    "254 levels": _deep(254), "255 levels": _deep(255), "1,000 levels": _deep(1_000), "100,000 levels": _deep(100_000),
    "an object of 255 levels": b'{"a":' * 255 + b"1" + b"}" * 255, "NaN": b'{"a": NaN}', "beyond a double": b'{"a": 1e999}',
    "a long integer": b'{"a": ' + b"9" * 5_000 + b"}", "a byte order mark": b"\xef\xbb\xbf{}", "keys twice": b'{"a": 1, "a": 2}',
    "UTF-16": '{"a": 1}'.encode("utf-16"), "1,001 fields": b"&".join(b"a%d=1" % place for place in range(1_001)),
    "bad escapes": b"a=%zz&%=%&b=%ff%00", "brackets": b"a[b][c][d][e][f][g][h]=1&a[]=2&[=3&]=4&a[999999999]=5",
    "a boundary without parts": b"--x--\r\n", "a part that is cut off": b"--x\r\nContent-Disposition: form-data; name=",
    "a part without a name": b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--\r\n",
    "1,001 parts": b"".join(b'--x\r\nContent-Disposition: form-data; name="a%d"\r\n\r\n1\r\n' % i for i in range(1_001)) + b"--x--\r\n",
    "a file's name with a NUL":
        b'--x\r\nContent-Disposition: form-data; name="a\x00"; filename="b\x00.txt"\r\n\r\n1\r\n--x--\r\n',
    "XML": b"<a><b>", "entities": b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "deep XML": b"<a>" * 5_000,
}  # fmt: skip

CONTENT_TYPES: Final = (
    "application/json", "application/json; charset=utf-16", "application/problem+json", "text/plain", "application/xml",
 "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x", "multipart/form-data", "multipart/form-data; boundary=" + "x" * 3_000, ";;;", "", "\xff/\xff",
    "application/octet-stream",
)  # fmt: skip


def dumps(value: Any) -> bytes:
    """JSON as a hostile client writes it: half an emoji as an escape sequence."""
    return json.dumps(value).encode()
