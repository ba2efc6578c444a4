"""What a message from anyone may not do, and what it is where it does nothing of the kind."""

import base64
import contextlib
from typing import Any

import pytest

from runtime.confinement.limits import ChildLimits
from runtime.contract import NodeError
from runtime.sandbox import mail
from runtime.sandbox.documents import Threads, read_document
from runtime.sandbox.mail import read_mail, read_mails
from tests.unit.sandbox.world import THREADS

PLAIN = b"From: Ann <a@x.io>\nTo: b@x.io\nSubject: =?utf-8?q?H=C3=A4?=\nDate: Mon, 01 Jan 2024 10:00:00 +0200\nX-A: 1\n\nHi\n"
PARTS = (
    b'From: a@x.io\nContent-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/html\n\n<p>\n--b\n'
    b'Content-Type: application/pdf\nContent-Disposition: attachment; filename="f.pdf"\nContent-Transfer-Encoding: base64\n\n'
    b"JVBERg==\n--b--\n"
)
HOSTILE = {
    "parts in parts": b"".join(b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (n, n) for n in range(3000)),
    "comments in comments": b"From: " + b"(" * 20_000 + b"\n\n",
    "quotes that do not end": b"From: " + b'"\\' * 20_000 + b"\n\n",
    "many addresses": b"To: " + b"a@b, " * 20_000 + b"\n\n",
    "many headers": b"X: a\n" * 50_000 + b"\n",
    "many words": b"Subject: " + b"=?utf-8?q?a?= " * 20_000 + b"\n\n",
    "many parameters": b"Content-Type: text/plain" + b"; a*0=b" * 20_000 + b"\n\n",
    "no message": b"\x00\xff" * 1000,
}


async def test_a_simple_message() -> None:
    done = await read_mail(THREADS, PLAIN, simple=True, attachments=True)
    assert done["json"]["subject"] == "Hä"
    assert done["json"]["metadata"] == {"x-a": "1"}
    assert done["json"]["textPlain"] == "Hi\n"
    assert done["attachments"] == []


async def test_a_resolved_message() -> None:
    done = await read_mail(THREADS, PLAIN, simple=False, attachments=True)
    assert done["json"]["date"] == "2024-01-01T08:00:00.000Z"
    assert done["json"]["from"]["value"] == [{"address": "a@x.io", "name": "Ann"}]


async def test_attachments() -> None:
    done = await read_mail(THREADS, PARTS, simple=True, attachments=True)
    (part,) = done["attachments"]
    assert (part["mime_type"], part["file_name"]) == ("application/pdf", "f.pdf")
    assert base64.b64decode(part["data"]) == b"%PDF"
    assert (await read_mail(THREADS, PARTS, simple=True, attachments=False))["attachments"] == []


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
async def test_a_hostile_message_is_read_or_refused(raw: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Either way this process did nothing but wait."""
    monkeypatch.setattr("runtime.sandbox.mail._TIMEOUT_SECONDS", 5.0)
    done: dict[str, object] = {"json": None}
    with contextlib.suppress(NodeError):
        done = await read_mail(THREADS, raw, simple=True, attachments=True)
    assert "json" in done


HTML_ONLY = (
    b"From: Ann <a@x.io>\r\nTo: b@x.io, Cy <c@x.io>\r\nReferences: <1@x> <2@x>\r\nX-Long: one\r\n two\r\n"
    b"Content-Type: text/html\r\n\r\n<head><title>no</title></head><p>Hi <b>you</b> there</p><p>A &amp; B<br>C</p>\r\n"
)


async def test_a_message_of_html_has_text_too() -> None:
    done = (await read_mail(THREADS, HTML_ONLY, simple=False, attachments=False))["json"]
    assert done["text"] == "Hi you there\nA & B\nC"
    assert done["textAsHtml"] == "<p>Hi you there<br/>A &amp; B<br/>C</p>"


async def test_header_lines_stay_as_they_were_sent() -> None:
    done = (await read_mail(THREADS, HTML_ONLY, simple=False, attachments=False))["json"]
    assert done["headers"]["x-long"].startswith("X-Long: one\r\n two")
    assert done["references"] == ["<1@x>", "<2@x>"]
    assert done["to"]["text"] == 'b@x.io, "Cy" <c@x.io>'
    assert done["to"]["html"].count("mp_address_group") == 2


async def test_a_message_of_text_has_no_html() -> None:
    assert (await read_mail(THREADS, PLAIN, simple=False, attachments=False))["json"]["html"] is False


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many messages each process got."""
    sizes: list[int] = []

    async def counted(
        threads: Threads, what: str, module: str, limits: ChildLimits, options: Any, data: bytes, seconds: float
    ) -> Any:
        sizes.append(len(options["sizes"]))
        return await read_document(threads, what, module, limits, options, data, seconds)

    monkeypatch.setattr("runtime.sandbox.mail.read_document", counted)
    return sizes


async def test_messages_share_a_process_as_long_as_they_are_few_bytes(
    batches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    raws = [b"Subject: %d\n\nHi\n" % number for number in range(100)]
    done = await read_mails(THREADS, raws, simple=True, attachments=False)
    assert [each["json"]["subject"] for each in done] == [str(number) for number in range(100)]
    assert batches == [100]
    monkeypatch.setattr(mail, "BATCH_BYTES", 3 * len(raws[99]))
    assert len(await read_mails(THREADS, raws[-5:], simple=True, attachments=False)) == 5
    assert batches[1:] == [3, 2]


async def test_messages_that_need_too_much_together_are_read_one_by_one(
    batches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first that needs too much alone is told, as ever, and the others are not begun."""
    slow = HOSTILE["many parameters"]
    monkeypatch.setattr(mail, "_TIMEOUT_SECONDS", 3.0)
    with pytest.raises(NodeError, match="more time or memory"):
        await read_mails(THREADS, [PLAIN, slow, PARTS], simple=True, attachments=False)
    assert batches == [3, 1, 1]
