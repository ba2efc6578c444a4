"""Bodies of webhook requests that n8n's recorded answers do not cover: attacks, sizes, compression."""

import gzip
import zlib

import pytest

from api.triggers.access import is_bot
from api.triggers.bodies import File, decompress, read_body
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


JSON: list[tuple[str, str, bytes, object]] = [
    ("null is an empty object", "application/json", b"null", {}),
    ("a byte order mark is no part of it", "application/json", b'\xef\xbb\xbf{"a":1}', {"a": 1}),
    ("its character set counts", "application/json; charset=latin1", b'{"s":"\xe4"}', {"s": "\u00e4"}),
    (
        "also with two bytes a character",
        "application/json; charset=utf-16le",
        '\ufeff{"s":"\u00e4"}'.encode("utf-16-le"),
        {"s": "\u00e4"},
    ),
    ("an unknown character set is UTF-8", "application/json; charset=nope", '{"s":"\u00e4"}'.encode(), {"s": "\u00e4"}),
]


@pytest.mark.parametrize(("about", "content_type", "data", "value"), JSON, ids=[each[0] for each in JSON])
def test_json_bodies_are_read_as_n8n_reads_them(about: str, content_type: str, data: bytes, value: object) -> None:
    assert read_body(step(), {"content-type": content_type}, data).value == value, about


@pytest.mark.parametrize("version", [1, 1.1, 2, 2.1])
def test_broken_json_is_told_in_the_words_of_javascript(version: float) -> None:
    with pytest.raises(Refusal) as caught:
        read_body(step(version), {"content-type": "application/json"}, b'{"a":')
    assert b"Unexpected end of JSON input" in caught.value.reply.body
    with pytest.raises(Refusal) as caught:
        read_body(step(version), {"content-type": "application/json"}, b"[" + b"1," * 10_000)
    assert caught.value.reply.status == 422


@pytest.mark.parametrize("content_type", ["image/png", "application/octet-stream", ""])
def test_a_body_of_another_type_is_a_file_from_version_1_1_on(content_type: str) -> None:
    assert not read_body(step(1), {"content-type": content_type}, b"x").files
    body = read_body(step(1.1), {"content-type": content_type}, b"x")
    assert body.value == {}
    assert body.files["data"].mime_type == (content_type or "application/octet-stream")


def test_a_raw_body_without_a_type_counts_as_json() -> None:
    assert read_body(step(rawBody=True), {}, b"x").raw["data"]["mimeType"] == "application/json"


@pytest.mark.parametrize("mime", ["application/xml", "text/xml"])
def test_the_extension_of_an_xml_file_is_xml(mime: str) -> None:
    assert File(b"<a/>", mime, None).reference()["fileExtension"] == "xml"


def test_a_file_field_that_was_left_empty_gives_no_file_and_no_field() -> None:
    part = '--x\r\ncontent-disposition: form-data; name="{}"; filename="{}"\r\ncontent-type: {}\r\n\r\n{}\r\n'
    data = (
        part.format("e", "", "application/octet-stream", "")
        + part.format("f", "h.txt", "text/plain", "hi")
        + "--x--\r\n"
    )
    body = read_body(step(), {"content-type": "multipart/form-data; boundary=x"}, data.encode())
    assert body.value == {}
    assert list(body.files) == ["f"]


@pytest.mark.parametrize(("agent", "bot"), [("", False), ("Googlebot/2.1", True), ("Mozilla/5.0 (X11)", False)])
def test_only_a_caller_that_says_so_is_a_bot(agent: str, *, bot: bool) -> None:
    assert is_bot(agent) is bot
