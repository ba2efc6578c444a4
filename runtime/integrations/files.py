"""Files for the programs of vendors: a file of an item as base64, base64 as a file, and the item that a file gives."""

import base64
import binascii
from typing import Any, Final

from runtime.contract import Item, NodeError
from runtime.integrations.answers import no_bytes
from runtime.integrations.operation import Run
from schemas.item import BinaryRef

__all__ = ["data_url", "encoded", "file_item", "stored"]

_DETAILS: Final = ("mimeType", "fileType", "fileExtension", "fileName", "fileSize", "bytes")


async def encoded(run: Run, i: int, name: str) -> tuple[str, BinaryRef]:
    """Return the content of a file of an input item as base64, and its reference. Raise NodeError."""
    ref = run.file(i, name)
    return base64.b64encode(await run.context.blobs.read(ref)).decode(), ref


async def data_url(run: Run, i: int, name: str) -> str:
    """Return a file of an input item as a `data:` URL. Raise NodeError."""
    content, ref = await encoded(run, i, name)
    return f"data:{ref.get('mimeType', '')};base64,{content}"


async def stored(run: Run, content: Any, *, mime_type: str, file_name: str) -> BinaryRef:
    """Store content given as base64 and return its reference. Raise NodeError."""
    if not isinstance(content, str):
        raise no_bytes(content)
    try:
        data = base64.b64decode(content)
    except binascii.Error as error:
        raise NodeError(f"The file in the answer is not base64: {error}") from error
    return await run.context.blobs.write(data, mime_type=mime_type, file_name=file_name)


def file_item(ref: BinaryRef, name: str) -> Item:
    """Return the item of a file: its details, and the file itself under a name."""
    details: dict[str, Any] = {key: each for key, each in ref.items() if key in _DETAILS}
    return {"json": details, "binary": {name: ref}}
