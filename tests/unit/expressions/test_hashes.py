"""The hashes are our own JavaScript; Python's are the reference."""

import hashlib
import json
import random
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from py_mini_racer import MiniRacer

FOLDER = Path(__file__).parents[3] / "runtime" / "expressions"
LENGTHS = (0, 1, 55, 56, 57, 63, 64, 65, 71, 72, 73, 111, 112, 113, 119, 120, 127, 128, 129, 143, 144, 145, 1000)
"""Around the block sizes of each: padding is where hashes go wrong."""
REFERENCE = {"md5": "md5", "sha1": "sha1", "sha224": "sha224", "sha256": "sha256", "sha384": "sha384",
             "sha512": "sha512", "sha3": "sha3_512"}  # fmt: skip


@pytest.fixture(scope="module")
def extend() -> Iterator[Callable[[str, str, list[str]], str]]:
    """`__extend(value, name, args)`."""
    with MiniRacer() as engine:
        for name in ("vendor/luxon.min.js", "hashes.js", "extensions.js"):
            engine.eval((FOLDER / name).read_text(encoding="utf-8"))
        yield lambda value, name, args: str(
            engine.eval(f"__extend({json.dumps(value)}, {json.dumps(name)}, {json.dumps(args)})")
        )


def texts() -> Iterator[str]:
    """Text of one to four bytes a character, of every length."""
    source = random.Random(1)  # noqa: S311 - test data
    for length in LENGTHS:
        yield "".join(source.choice("abcä日😀") for _ in range(length))


@pytest.mark.parametrize("name", REFERENCE)
def test_a_hash_is_the_one_that_python_computes(name: str, extend: Callable[[str, str, list[str]], str]) -> None:
    """Over UTF-8."""
    for text in texts():
        assert extend(text, "hash", [name]) == hashlib.new(REFERENCE[name], text.encode()).hexdigest()


def test_base64_goes_there_and_back(extend: Callable[[str, str, list[str]], str]) -> None:
    """As text: broken UTF-8 is a matter of the recorded expressions."""
    for text in texts():
        encoded = extend(text, "base64Encode", [])
        assert encoded == b64encode(text.encode()).decode() == extend(text, "hash", ["base64"])
        assert extend(encoded, "base64Decode", []) == text
