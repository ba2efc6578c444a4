"""Archives: zip, gzip, tar. They are unpacked in a child process, since a small one may hold gigabytes, and packed on a thread."""

import base64
import gzip
import io
import tarfile
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple

from runtime.confinement.limits import ChildLimits
from runtime.contract import NodeError
from runtime.sandbox.documents import Threads, read_document

__all__ = ["MAX_BYTES", "MAX_FILES", "Archive", "Unpacked", "pack", "unpack"]

Archive = Literal["zip", "gzip", "tar", "targz"]
MAX_BYTES: Final = 64 * 1024 * 1024
"""Of all files of an archive together, unpacked."""
MAX_FILES: Final = 1_000
_MODULE: Final = "runtime.sandbox.archive_child"
_LIMITS: Final = ChildLimits(memory_bytes=1 << 30, cpu_seconds=30, open_files=16)
_TIMEOUT_SECONDS: Final = 60.0
_FIRST_YEAR: Final = 1980
"""A zip archive knows no earlier one."""


class Unpacked(NamedTuple):
    """A file of an archive."""

    path: str
    """Within the archive, with slashes; empty for the one file of gzip."""
    data: bytes


async def unpack(threads: Threads, data: bytes, archive: Archive) -> list[Unpacked]:
    """Return the files of an archive; folders, links and macOS' own files are left out.

    Raise NodeError when it is none, or holds more than `MAX_BYTES` or `MAX_FILES`.
    """
    options = {"format": archive, "most_bytes": MAX_BYTES, "most_files": MAX_FILES}
    result = await read_document(threads, "archive", _MODULE, _LIMITS, options, data, _TIMEOUT_SECONDS)
    match result.get("error"):
        case None:
            return [Unpacked(each["path"], base64.b64decode(each["data"])) for each in result["files"]]
        case "much":
            limit = f"{MAX_BYTES // 1024 // 1024} MiB or {MAX_FILES:,} files"
            raise NodeError("The archive is too large", description=f"It holds more than {limit}.")
        case _:
            raise NodeError(f"invalid {'zip' if archive == 'zip' else 'gzip' if archive != 'tar' else 'tar'} data")


def pack(files: Mapping[str, bytes], archive: Archive, now: float) -> bytes:
    """Return an archive of files by name; of gzip, the one file. `now`: milliseconds since the epoch. Takes seconds for many bytes."""
    seconds = int(now // 1000)
    if archive == "gzip":
        return gzip.compress(next(iter(files.values())), mtime=seconds)
    packed = io.BytesIO()
    if archive == "zip":
        day = datetime.fromtimestamp(seconds, UTC)
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as zipped:
            for name, data in files.items():
                entry = zipfile.ZipInfo(name, (max(day.year, _FIRST_YEAR), *day.timetuple()[1:6]))
                zipped.writestr(entry, data, zipfile.ZIP_DEFLATED)
        return packed.getvalue()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(data), seconds
            tar.addfile(member, io.BytesIO(data))
        end = tar.offset + 2 * tarfile.BLOCKSIZE  # Python fills up to a tape's record of 20 blocks, n8n does not
    whole = packed.getvalue()[:end]
    return whole if archive == "tar" else gzip.compress(whole, mtime=seconds)
