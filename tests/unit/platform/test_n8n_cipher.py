"""What n8n sealed opens with its key: texts that `openssl enc -aes-256-cbc -md md5 -salt -base64` made, which is its format."""

import base64

import pytest

from runtime.platform.n8n_cipher import N8nCipherError, open_sealed

KEY = "n8n-test-key"
SEALED = "U2FsdGVkX18IvoNo6ChYvH71KJcvhozG7STX06knAQKYpzP4vLtOL5X0WSwyfB/H"
OPEN = '{"accessToken":"t0p s3cret ü"}'


def test_what_openssl_sealed_opens() -> None:
    assert open_sealed(SEALED, KEY) == OPEN


HEAD = base64.b64decode(SEALED)
BROKEN = [
    ("", "format", "nothing"),
    ("!!!", "not Base64", "no Base64"),
    (base64.b64encode(b"plain text").decode(), "format", "no header"),
    (base64.b64encode(HEAD[:16]).decode(), "format", "a header alone"),
    (base64.b64encode(HEAD[:-1]).decode(), "format", "a block that was cut off"),
    (base64.b64encode(HEAD[:-16]).decode(), "another key", "without its last block"),
    (base64.b64encode(HEAD[:8] + b"saltsalt" + HEAD[16:]).decode(), "another key", "another salt"),
]


@pytest.mark.parametrize(("sealed", "why", "what"), BROKEN, ids=[each[2] for each in BROKEN])
def test_what_does_not_open_says_why_and_shows_nothing(sealed: str, why: str, what: str) -> None:
    del what
    with pytest.raises(N8nCipherError, match=why) as failed:
        open_sealed(sealed, KEY)
    assert KEY not in str(failed.value)


def test_another_key_opens_nothing() -> None:
    with pytest.raises(N8nCipherError, match="another key"):
        open_sealed(SEALED, "n8n-other-key")
