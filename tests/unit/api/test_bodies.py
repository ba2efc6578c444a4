"""Bodies of webhook requests that n8n's recorded answers do not cover: attacks, sizes, compression."""

import gzip
import zlib

import pytest

from api.triggers.bodies import decompress, read_body
from api.triggers.responses import Refusal
from schemas.plan import Kind, Step


def step(version: float = 2, **options: object) -> Step:
    return Step(
        name="W", type="n8n-nodes-base.webhook", version=version, kind=Kind.INLINE, parameters={"options": options}
    )


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_compressed_body_is_decompress(encoding: str) -> None:
    packed = gzip.compress(b"hello") if encoding == "gzip" else zlib.compress(b"hello")
    assert decompress(packed, encoding, 100) == b"hello"


def test_a_body_that_unpacks_to_more_than_the_limit_is_refused_without_unpacking_it_all() -> None:
    with pytest.raises(Refusal) as caught:
        decompress(gzip.compress(b"\0" * 50_000_000), "gzip", 1_000_000)
    assert caught.value.reply.status == 413


@pytest.mark.parametrize(("data", "encoding", "status"), [(b"x", "br", 415), (b"no gzip", "gzip", 422)])
def test_what_cannot_be_unpacked_is_refused(data: bytes, encoding: str, status: int) -> None:
    with pytest.raises(Refusal) as caught:
        decompress(data, encoding, 100)
    assert caught.value.reply.status == status


def test_entities_of_an_xml_body_are_neither_expanded_nor_fetched() -> None:
    bomb = b"""<!DOCTYPE a [<!ENTITY x "boom"><!ENTITY f SYSTEM "file:///etc/passwd">]><a>&x;&f;<b/></a>"""
    parsed = repr(read_body(step(), {"content-type": "application/xml"}, bomb).value)
    assert "boom" not in parsed
    assert "root" not in parsed


def test_xml_becomes_what_n8n_makes_of_it() -> None:
    data = b'<A x="1"> t <b>1</b><b>2</b><ns:C xmlns:ns="u"/></A>'
    parsed = read_body(step(), {"content-type": "text/xml"}, data).value
    assert parsed == {"a": {"$": {"x": "1"}, "_": "t", "b": ["1", "2"], "ns:c": ""}}


@pytest.mark.parametrize(
    "headers",
    [{"content-type": "multipart/form-data"}, {"content-type": "multipart/form-data; boundary=x"}],
)
def test_a_broken_multipart_body_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(Refusal) as caught:
        read_body(step(), headers, b"--x\r\nnonsense")
    assert caught.value.reply.status == 422


def test_text_is_read_in_its_charset_and_an_unknown_charset_does_no_harm() -> None:
    assert read_body(step(), {"content-type": "text/plain; charset=latin-1"}, b"\xe4").value == "ä"
    assert read_body(step(), {"content-type": "text/plain; charset=nope"}, "ä".encode()).value == "ä"


def test_a_file_is_described_as_n8n_does() -> None:
    headers = {"content-type": "image/png", "content-disposition": 'attachment; filename="a b.png"'}
    reference = read_body(step(), headers, b"x" * 2500).files["data"].reference()
    assert {name: reference[name] for name in ("mimeType", "fileType", "fileExtension", "fileName", "fileSize")} == {
        "mimeType": "image/png", "fileType": "image", "fileExtension": "png", "fileName": "a b.png", "fileSize": "2.5 kB"
    }  # fmt: skip
    assert reference["bytes"] == 2500
