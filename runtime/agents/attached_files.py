"""Files of items in a conversation: pictures go to the model as they are, text files as text. Pure but for the reading."""

from collections.abc import Sequence
from typing import Final

from runtime.agents.messages import Message, Part
from runtime.contract import ActivityContext
from schemas.item import BinaryRef

__all__ = ["is_picture", "is_text", "read_texts"]

MAX_CHARACTERS: Final = 200_000
"""Of a text file that the model reads, as of what a tool tells it."""
MAX_BYTES: Final = 4 * MAX_CHARACTERS
"""Of a file that are decoded: no character of UTF-8 is longer than four."""
TEXTS: Final = frozenset(f"application/{each}" for each in ("csv", "json", "x-yaml", "xml", "yaml"))
"""MIME types of texts that do not begin with `text/`; n8n passes these and no others on."""
UNNAMED: Final = "attachment"


def is_picture(ref: BinaryRef) -> bool:
    """Return whether a file is a picture by its MIME type."""
    return _mime_type(ref).startswith("image/")


def is_text(ref: BinaryRef) -> bool:
    """Return whether a file is text by its MIME type."""
    type_ = _mime_type(ref)
    return type_.startswith("text/") or type_ in TEXTS


def _mime_type(ref: BinaryRef) -> str:
    return str(ref.get("mimeType") or "").partition(";")[0].strip()


async def read_texts(context: ActivityContext, messages: Sequence[Message]) -> list[Message]:
    """Return messages with their text files as text (n8n), each cut where it is too long."""
    return [await _read(context, each) if isinstance(each["content"], list) else each for each in messages]


async def _read(context: ActivityContext, message: Message) -> Message:
    parts = [await _part(context, each) for each in message["content"] if isinstance(each, dict)]
    return {**message, "content": parts}


async def _part(context: ActivityContext, part: Part) -> Part:
    if part["type"] != "file" or not is_text(part["ref"]):
        return part
    data = await context.blobs.read(part["ref"])
    text = data[:MAX_BYTES].decode("utf-8", "replace")
    if len(text) > MAX_CHARACTERS or len(data) > MAX_BYTES:
        text = f"{text[:MAX_CHARACTERS]}\n[Cut: these are the first {MAX_CHARACTERS} characters of {len(data)} bytes.]"
    return {"type": "text", "text": f"File: {part['ref'].get('fileName') or UNNAMED}\nContent:\n{text}"}
