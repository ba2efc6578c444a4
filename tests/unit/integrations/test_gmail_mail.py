"""Messages that Gmail is given: what a value of an item may not do to their headers, and what their parts are."""

import base64
from email import message_from_bytes
from email.policy import default
from typing import Any

from runtime.integrations.gmail.mail import Attachment, encode, simplified


def _read(raw: str) -> Any:
    return message_from_bytes(base64.urlsafe_b64decode(raw), policy=default)


def test_a_line_break_makes_no_header() -> None:
    message = _read(encode({"To": "a@x.io", "Subject": "Hi\r\nBcc: spy@x.io"}, 0, text="."))
    assert message["Subject"] == "Hi Bcc: spy@x.io"
    assert message["Bcc"] is None


def test_names_outside_ascii_survive() -> None:
    message = _read(encode({"From": "Jürgen <j@x.io>", "Subject": "Grüße"}, 0, html="<p>ß</p>"))
    assert (message["From"], message["Subject"]) == ("Jürgen <j@x.io>", "Grüße")
    assert message.get_content_type() == "text/html"
    assert message.get_content().strip() == "<p>ß</p>"


def test_files_stand_beside_both_texts() -> None:
    message = _read(encode({}, 0, text="a", html="b", files=[Attachment(b"\x00\xff", "ü.bin", "odd")]))
    body, file = message.iter_parts()
    assert body.get_content_type() == "multipart/alternative"
    assert (file.get_filename(), file.get_content_type()) == ("ü.bin", "application/octet-stream")
    assert file.get_content() == b"\x00\xff"


def test_labels_have_names_and_headers_are_members() -> None:
    message = {"id": "1", "labelIds": ["A", "C"], "payload": {"headers": [{"name": "From", "value": "a"}], "size": 1}}
    labels = [{"id": "A", "name": "Ada", "type": "user"}, {"id": "B", "name": "Bo"}]
    assert simplified(message, labels) == {
        "id": "1", "labels": [{"id": "A", "name": "Ada"}], "payload": {"size": 1}, "From": "a",
    }  # fmt: skip
