"""Archives of authors: what unpacks to too much ends in words, what is broken says so, and no path leaves the item."""

import asyncio
import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable
from typing import TypeVar

import pytest

from runtime.contract import NodeError
from runtime.sandbox.archives import MAX_BYTES, MAX_FILES, Archive, pack, unpack

T = TypeVar("T")


class Thread:
    """A step's threads."""

    async def on_thread(self, function: Callable[..., T], *args: object) -> T:
        return await asyncio.to_thread(function, *args)


def zipped(*files: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return out.getvalue()


def tarred(*members: tarfile.TarInfo) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
    return out.getvalue()


BOMBS: list[tuple[str, Archive, Callable[[], bytes]]] = [
    ("one file of zeros", "zip", lambda: zipped(("a", bytes(MAX_BYTES + 1)))),
    ("several that are too much together", "zip", lambda: zipped(*((str(i), bytes(MAX_BYTES // 4 + 1)) for i in range(4)))),
    ("too many files", "zip", lambda: zipped(*((str(i), b"") for i in range(MAX_FILES + 1)))),
    ("gzip", "gzip", lambda: gzip.compress(bytes(MAX_BYTES + 1))),
    ("tar in gzip", "targz", lambda: pack({"a": bytes(MAX_BYTES + 1)}, "targz", 0)),
]  # fmt: skip


@pytest.mark.parametrize(("about", "archive", "make"), BOMBS, ids=[each[0] for each in BOMBS])
async def test_an_archive_that_holds_too_much_ends_in_words(
    about: str, archive: Archive, make: Callable[[], bytes]
) -> None:
    with pytest.raises(NodeError, match="The archive is too large") as caught:
        await unpack(Thread(), make(), archive)
    assert "64 MiB or 1,000 files" in str(caught.value.description), about


@pytest.mark.parametrize("archive", ["zip", "gzip", "tar", "targz"])
@pytest.mark.parametrize("data", [b"", b"nope", b"PK\x03\x04nope", b"\x1f\x8bnope", zipped(("a", b"x" * 1000))[:-40]])
async def test_what_is_no_archive_says_so(archive: Archive, data: bytes) -> None:
    with pytest.raises(NodeError, match="invalid"):
        await unpack(Thread(), data, archive)


async def test_links_and_devices_of_a_tar_archive_are_left_out() -> None:
    link, device, file = tarfile.TarInfo("link"), tarfile.TarInfo("device"), tarfile.TarInfo("../../file")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    device.type = tarfile.CHRTYPE
    file.size = 3
    assert await unpack(Thread(), tarred(link, device, file), "tar") == [("../../file", b"xxx")]


async def test_an_encrypted_file_is_told_as_invalid() -> None:
    data = bytearray(zipped(("a", b"x")))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + place] |= 1
    with pytest.raises(NodeError, match="invalid zip data"):
        await unpack(Thread(), bytes(data), "zip")


@pytest.mark.parametrize("archive", ["zip", "tar", "targz"])
async def test_what_is_packed_comes_back(archive: Archive) -> None:
    files = {"a.txt": b"hello", "ü ä.bin": bytes(range(256)), "dir/b": b""}
    assert dict(await unpack(Thread(), pack(files, archive, 1_700_000_000_000), archive)) == files
    assert pack(files, archive, 5) == pack(files, archive, 5)
