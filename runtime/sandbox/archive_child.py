"""The child process that unpacks an archive of an author. Started by `runtime.confinement`: the archive on stdin after a line of
JSON options (`format`, `most_bytes`, `most_files`), JSON on stdout: `{"files": [{"path", "data"}]}` with the bytes in base64, or
`{"error": kind}`.
"""

from __future__ import annotations

import base64
import codecs
import gzip
import io
import json
import sys
import tarfile
import zipfile
import zlib
from typing import IO, TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.confinement.launcher import Walls

BROKEN: Final = (
    zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, OSError, ValueError, KeyError, RuntimeError,
    NotImplementedError, OverflowError, IndexError,
)  # fmt: skip
"""What the readers raise over bytes that are no archive, and over methods and passwords that they do not have."""
RESOURCES: Final = "__MACOSX"
"""The folder of macOS for what is no file of the author."""


def unpack(data: bytes, options: dict[str, Any]) -> dict[str, Any]:
    """Return the files of an archive, folders left out. A gzip file holds one, which has no path."""
    files: list[dict[str, str]] = []
    left = options["most_bytes"]
    try:
        for path, stream in _entries(data, options["format"]):
            content = stream.read(left + 1)
            left -= len(content)
            if left < 0 or len(files) >= options["most_files"]:
                return {"error": "much"}
            files.append({"path": path, "data": base64.b64encode(content).decode()})
    except BROKEN:
        return {"error": "invalid"}
    return {"files": files}


def _entries(data: bytes, format_: str) -> Iterator[tuple[str, IO[bytes]]]:
    if not data:
        raise EOFError
    if format_ == "gzip":
        with gzip.open(io.BytesIO(data)) as stream:
            yield "", stream  # type: ignore[misc]  # a GzipFile reads bytes
    elif format_ == "zip":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                if not entry.is_dir() and RESOURCES not in entry.filename.split("/"):
                    with archive.open(entry) as stream:
                        yield entry.filename, stream
    else:
        mode = "r:gz" if format_ == "targz" else "r:"
        with tarfile.open(fileobj=io.BytesIO(data), mode=mode) as archive:  # type: ignore[call-overload]
            for member in archive:
                content = archive.extractfile(member) if member.isreg() else None
                if content is not None:
                    yield member.name, content


def prepare(arguments: tuple[str, ...]) -> None:
    """Load all that reading may need: no module can be loaded behind the walls."""
    del arguments
    for codec in ("cp437", "utf-8", "ascii", "latin-1"):
        codecs.lookup(codec)
    for format_, sample in _samples():
        unpack(sample, {"format": format_, "most_bytes": 100, "most_files": 1})


def _samples() -> Iterator[tuple[str, bytes]]:
    zipped, tarred = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ä", b"a")
    with tarfile.open(fileobj=tarred, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("ä"), io.BytesIO())
    yield "zip", zipped.getvalue()
    yield "targz", tarred.getvalue()
    yield "gzip", gzip.compress(b"a")


def serve(walls: Walls) -> None:
    """Unpack one archive from stdin."""
    walls.limit_memory()
    options = json.loads(sys.stdin.buffer.readline())
    try:
        result = unpack(sys.stdin.buffer.read(), options)
    except MemoryError:
        result = {"error": "much"}
    sys.stdout.buffer.write(json.dumps(result).encode("utf-8", "surrogatepass"))
    sys.stdout.buffer.flush()
