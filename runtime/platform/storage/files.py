"""The files that a tenant's steps may read and write: one folder per tenant, in place of the host's root."""

import asyncio
import glob
import os
import re
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Final, TypeVar

from runtime.values.problem import ProblemError
from runtime.values.streams import LongBytes, pieces_of

__all__ = ["TenantFiles"]

T = TypeVar("T")

PIECE: Final = 4 * 1024 * 1024
"""Bytes of a long file that are in memory at a time."""
_BRACES: Final = re.compile(r"\{([^{}]*)\}")
_OFF: Final = "Steps may not read or write files here."
_MOST_FILES: Final = 10_000


class TenantFiles:
    """`/data/x` of a workflow is `<root>/<tenant>/data/x` of the host; a link that leads out of it is refused.

    Args:
        root: TEMPOR8_FILES; None: no step reads or writes files.
        tenant: whose files.
        limit: bytes that one file may have.
    """

    def __init__(self, root: Path | None, tenant: str, limit: int) -> None:
        self._root = None if root is None else Path(os.path.realpath(root / tenant))
        self._limit = limit

    async def find(self, pattern: str, *, literal_brackets: bool = True) -> list[str]:
        """Absolute paths (of the tenant) of the files that match `*`, `?`, `**` and `{a,b}`, sorted. Raises ProblemError."""
        root = self._folder()
        relative = _relative(pattern)
        if literal_brackets:
            relative = relative.replace("[", "[[]")

        def look() -> list[str]:
            found: set[str] = set()
            for each in _expanded(relative):
                for name in glob.iglob(each, root_dir=root, recursive=True):  # noqa: PTH207 - hidden files are left out
                    if (root / name).is_file():
                        found.add("/" + name)
                    if len(found) > _MOST_FILES:
                        raise ProblemError(f"'{pattern}' matches more than {_MOST_FILES:,} files")
            return sorted(found)

        return await asyncio.to_thread(look)

    async def read(self, path: str) -> bytes | LongBytes:
        """The bytes of a file; those of a long one piece by piece. Raises ProblemError."""

        def work() -> bytes | int:
            place = self._place(path)
            size = place.stat().st_size
            if place.is_file() and size > self._limit:
                raise ProblemError(f"'{path}' has {size:,} bytes; the limit is {self._limit:,} (TEMPOR8_FILE_LIMIT)")
            return place.read_bytes() if size <= PIECE else size

        async def pieces() -> AsyncIterator[bytes]:
            file = await _told(lambda: self._place(path).open("rb"), path, "open")
            try:
                while piece := await _told(lambda: file.read(PIECE), path, "read"):
                    yield piece
            finally:
                file.close()

        found = await _told(work, path, "stat")
        return found if isinstance(found, bytes) else LongBytes(found, pieces, path)

    async def write(self, path: str, data: bytes | LongBytes, *, append: bool = False) -> None:
        """Write a file in a folder that is there. Raises ProblemError."""

        def work() -> tuple[Path, Path]:
            place = self._place(path)
            return place, place if append else place.with_name(f".{place.name}.part")

        place, target = await _told(work, path, "open")
        file = await _told(lambda: target.open("ab" if append else "wb"), path, "open")
        try:
            with file:
                async for piece in pieces_of(data):
                    await _told(partial(file.write, piece), path, "write")
        except BaseException:
            if not append:
                target.unlink(missing_ok=True)
            raise
        if not append:  # a file is there as a whole, or as it was
            await _told(lambda: target.replace(place), path, "open")

    def _folder(self) -> Path:
        if self._root is None:
            raise ProblemError(
                _OFF,
                description="The operator opens them with TEMPOR8_FILES: a folder in which each tenant has one of its own.",
            )
        self._root.mkdir(parents=True, exist_ok=True)
        return self._root

    def _place(self, path: str) -> Path:
        root = self._folder()
        place = Path(os.path.realpath(root / _relative(path)))
        if not place.is_relative_to(root):
            raise ProblemError("Access to the file is not allowed.")
        return place


def _relative(path: str) -> str:
    """A path below the root: `..` never leads above it."""
    if "\0" in path:
        raise ProblemError("A path cannot hold a null character")
    parts: list[str] = []
    for part in PurePosixPath("/" + path).parts[1:]:
        if part == "..":
            parts[-1:] = []
        elif part != "/":
            parts.append(part)
    return "/".join(parts)


def _expanded(pattern: str) -> Iterator[str]:
    found = _BRACES.search(pattern)
    if found is None:
        yield pattern
        return
    for choice in found.group(1).split(","):
        yield from _expanded(pattern[: found.start()] + choice + pattern[found.end() :])


async def _told(work: Callable[[], T], path: str, call: str) -> T:
    """In a thread; what the system says, in node's words and with the workflow's path."""
    try:
        return await asyncio.to_thread(work)
    except FileNotFoundError as error:
        raise ProblemError(f"ENOENT: no such file or directory, {call} '{path}'") from error
    except IsADirectoryError as error:
        raise ProblemError(f"EISDIR: illegal operation on a directory, {call} '{path}'") from error
    except NotADirectoryError as error:
        raise ProblemError(f"ENOTDIR: not a directory, {call} '{path}'") from error
    except PermissionError as error:
        raise ProblemError(f"EACCES: permission denied, {call} '{path}'") from error
    except OSError as error:
        raise ProblemError(f"'{path}': {error.strerror}") from error
