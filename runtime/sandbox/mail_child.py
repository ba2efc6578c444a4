"""The child process that reads messages of anyone who writes. Started by `runtime.confinement`: a line of JSON options, with the
`sizes` of the messages, and these on stdin; a JSON list on stdout, of each `{"json": item, "attachments": [{"mime_type",
"file_name", "data"}]}` or `{"error": text}`.

Python's parser of mail takes more than linear time over nested parts, comments and addresses.
"""

from __future__ import annotations

import base64
import codecs
import json
import sys
from datetime import UTC
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import getaddresses, parsedate_to_datetime
from html import escape
from html.entities import codepoint2name
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, Final

from runtime.values.charsets import ALL_CODECS, decode_as

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.confinement.launcher import Walls

TOP_LEVEL_HEADERS: Final = ("cc", "date", "from", "subject", "to")
"""Headers that are members of the item; the others are metadata."""
ADDRESSES: Final = ("from", "to", "cc", "bcc", "reply-to")


def read(raw: bytes, options: dict[str, Any]) -> dict[str, Any]:
    """Return what the node shows of a message."""
    message = message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    attachments = _attachments(message, simple=options["simple"]) if options["attachments"] else ()
    return {
        "json": _simple(message) if options["simple"] else _resolved(message),
        "attachments": [
            {
                "mime_type": part.get_content_type(),
                "file_name": part.get_filename(),
                "data": base64.b64encode(_payload(part)).decode(),
            }
            for part in attachments
        ],
    }


def _attachments(message: EmailMessage, *, simple: bool) -> Iterator[Any]:
    """Yield the files of a message; in simple form those that are shown inside its text are left out, as in n8n."""
    for part in message.iter_attachments() if message.is_multipart() else (message,):
        if part.get_content_disposition() == "attachment" or (message.is_multipart() and not simple):
            yield part


def _payload(part: Any) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _texts(message: EmailMessage) -> tuple[str | None, str | None]:
    """Return HTML and plain text."""
    bodies = [message.get_body((kind,)) for kind in ("html", "plain")]
    html, plain = (
        decode_as(_payload(part), part.get_content_charset()) if part is not None else None for part in bodies
    )
    return html, plain


def _simple(message: EmailMessage) -> dict[str, Any]:
    html, plain = _texts(message)
    value: dict[str, Any] = {"textHtml": html or "", "textPlain": plain or "", "metadata": {}}
    for name, header in message.items():
        place = value if name.lower() in TOP_LEVEL_HEADERS else value["metadata"]
        place.setdefault(name.lower(), str(header))
    return value


def _resolved(message: EmailMessage) -> dict[str, Any]:
    """Return a message as the parser of n8n shows it; header lines as they were sent."""
    html, plain = (each and each.replace("\r\n", "\n") for each in _texts(message))
    value: dict[str, Any] = {"headers": {name.lower(): f"{name}: {header}" for name, header in message.raw_items()}}
    value["html"] = False if html is None else html
    if plain is None and html is not None and not _has_plain(message) and not _has_choices(message):
        plain = _words(html)
    if plain is not None:
        value |= {"text": plain, "textAsHtml": _as_html(plain)}
    for header, name in (("subject", "subject"), ("message-id", "messageId"), ("in-reply-to", "inReplyTo")):
        if message[header]:
            value[name] = str(message[header])
    if message["references"]:
        ids = str(message["references"]).split()
        value["references"] = ids[0] if len(ids) == 1 else ids
    if message["date"]:
        at = parsedate_to_datetime(str(message["date"])).astimezone(UTC)
        value["date"] = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    for header in ADDRESSES:
        if message[header]:
            value["replyTo" if header == "reply-to" else header] = _people(str(message[header]))
    return value


def _has_plain(message: EmailMessage) -> bool:
    """Return whether a part is plain text, be it an attached file: n8n's parser then makes none of the HTML (observed)."""
    return any(part.get_content_type() == "text/plain" for part in message.walk())


def _has_choices(message: EmailMessage) -> bool:
    """Return whether the text is a choice of several forms (multipart/alternative), even of one: then, too, n8n makes none."""
    return any(part.get_content_type() == "multipart/alternative" for part in message.walk())


def _as_html(text: str) -> str:
    lines = "\n".join(each.rstrip(" \t") for each in _entities(escape(text.strip())).split("\n"))
    paragraphs = [each.strip("\n") for each in lines.split("\n\n")]
    return "<p>" + "</p><p>".join(each.replace("\n", "<br/>") for each in paragraphs if each) + "</p>"


def _entities(text: str) -> str:
    return "".join(
        each
        if each.isascii()
        else f"&{codepoint2name[ord(each)]};"
        if ord(each) in codepoint2name
        else f"&#x{ord(each):X};"
        for each in text
    )


class _Words(HTMLParser):
    """The text of a page, a line per block."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.muted = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        del attrs
        self.muted += tag in _MUTED
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self.muted -= tag in _MUTED and self.muted > 0
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.muted:
            self.parts.append(data.replace("\n", " "))


_MUTED: Final = frozenset({"head", "script", "style", "title"})
_BLOCKS: Final = frozenset({"blockquote", "br", "div", "h1", "h2", "h3", "h4", "li", "p", "table", "tr", "ul"})


def _words(html: str) -> str:
    """Return the text of a message that has only HTML."""
    words = _Words()
    words.feed(html)
    words.close()
    lines = (" ".join(each.split()) for each in "".join(words.parts).split("\n"))
    return "\n".join(each for each in lines if each)


def _people(text: str) -> dict[str, Any]:
    """Return mailparser's view of a list of addresses."""
    value = [{"address": address, "name": name} for name, address in getaddresses([text])]
    markup = ", ".join(_PERSON.format(_marked(**each)) for each in value)
    names = [f'"{each["name"]}" <{each["address"]}>' if each["name"] else each["address"] for each in value]
    return {"value": value, "html": markup, "text": ", ".join(names)}


_PERSON: Final = '<span class="mp_address_group">{}</span>'


def _marked(address: str, name: str) -> str:
    link = f'<a href="mailto:{escape(address)}" class="mp_address_email">{escape(address)}</a>'
    return f'<span class="mp_address_name">{escape(name)}</span> &lt;{link}&gt;' if name else link


def prepare(arguments: tuple[str, ...]) -> None:
    """Load all that reading may need: no module can be loaded behind the walls."""
    del arguments
    for codec in (*ALL_CODECS, "idna"):
        codecs.lookup(codec)
    for simple in (True, False):
        read(_SAMPLE, {"simple": simple, "attachments": True})


_SAMPLE: Final = (
    b'From: "=?utf-8?q?=C3=A4?=" <a@x.io>\nTo: b@x.io\nDate: Mon, 01 Jan 2024 10:00:00 +0000\nMessage-ID: <a@b>\n'
    b'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/plain; charset=utf-8\n'
    b"Content-Transfer-Encoding: quoted-printable\n\na=20\n--b\nContent-Type: a/b\nContent-Disposition: attachment; filename=f\n"
    b"Content-Transfer-Encoding: base64\n\nYQ==\n--b--\n"
)


def serve(walls: Walls) -> None:
    """Read the messages from stdin."""
    walls.limit_memory()
    options = json.loads(sys.stdin.buffer.readline())
    results = [_result(sys.stdin.buffer.read(size), options) for size in options["sizes"]]
    sys.stdout.buffer.write(json.dumps(results).encode())
    sys.stdout.buffer.flush()


def _result(raw: bytes, options: dict[str, Any]) -> dict[str, Any]:
    try:
        return read(raw, options)
    except Exception as error:  # noqa: BLE001 - the parser does not say what it raises over a message that is none
        return {"error": f"{type(error).__name__}: {error}"[:200]}
