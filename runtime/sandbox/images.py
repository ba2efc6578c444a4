"""Images: edited in a child process, since a small file may hold gigabytes of pixels."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final

from runtime.confinement.limits import ChildLimits
from runtime.contract import NodeError
from runtime.sandbox.documents import Threads, read_document

__all__ = ["MAX_PIXELS", "edit_image", "image_information"]

MAX_PIXELS: Final = 64_000_000
"""Of an image, before and after each step."""
_MODULE: Final = "runtime.sandbox.image_child"
_LIMITS: Final = ChildLimits(memory_bytes=2 << 30, cpu_seconds=60, open_files=16)
_TIMEOUT_SECONDS: Final = 90.0


async def edit_image(
    threads: Threads,
    images: Sequence[bytes],
    steps: Sequence[Mapping[str, Any]],
    format_: str | None,
    quality: int | None,
) -> bytes:
    """Return the first image, edited step by step; the others are laid over it. Empty bytes stand for no image. Raise NodeError."""
    options = {"steps": list(steps), "format": format_, "quality": quality}
    return base64.b64decode((await _read(threads, images, options))["data"])


async def image_information(threads: Threads, image: bytes) -> dict[str, Any]:
    """Return what is known of an image. Raise NodeError."""
    found: dict[str, Any] = (await _read(threads, [image], {"steps": [], "information": True}))["information"]
    return found


async def _read(threads: Threads, images: Sequence[bytes], options: Mapping[str, Any]) -> Any:
    told = {**options, "sizes": [len(each) for each in images], "most_pixels": MAX_PIXELS}
    result = await read_document(threads, "image", _MODULE, _LIMITS, told, b"".join(images), _TIMEOUT_SECONDS)
    match result.get("error"):
        case None:
            return result
        case "much":
            raise NodeError("The image is too large", description=f"It has more than {MAX_PIXELS:,} pixels.")
        case _:
            raise NodeError("Command failed: gm identify: No decode delegate for this image format")
