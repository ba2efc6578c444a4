"""Mails in a request (`raw`) as what they say, so that two that are encoded in different ways are equal."""

import base64
import re
from collections.abc import Mapping
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

__all__ = ["with_mails"]

_ENCODED = {"date", "message-id", "mime-version", "content-type", "content-transfer-encoding"}


def with_mails(body: Any) -> Any:
    """Return the body of a request, with its mail as headers and parts where it has one."""
    content = body.get("json") if isinstance(body, Mapping) else None
    holder = content.get("message", content) if isinstance(content, Mapping) else None
    if not isinstance(content, Mapping) or not isinstance(holder, Mapping) or not isinstance(holder.get("raw"), str):
        return body
    raw = holder["raw"]
    try:
        data = body["mime"].encode() if "mime" in body else base64.b64decode(raw, altchars=b"-_", validate=True)
    except ValueError:
        return body
    outside = {name: each for name, each in content.items() if name not in ("raw", "message")}
    inside = {name: each for name, each in holder.items() if name != "raw"} if holder is not content else {}
    return {"json": outside, "message": inside, "mail": _mail(data)}


def _mail(data: bytes) -> dict[str, Any]:
    message = message_from_bytes(re.sub(rb"\r?\n", b"\n", data), policy=default)
    assert isinstance(message, EmailMessage)
    headers = {name.lower(): str(value) for name, value in message.items() if name.lower() not in _ENCODED}
    leaves = [part for part in message.walk() if not part.is_multipart()]
    return {"headers": headers, "parts": [_part(part) for part in leaves]}


def _part(part: Any) -> list[Any]:
    return [part.get_content_type(), part.get_filename(), (part.get_payload(decode=True) or b"").decode().strip()]
