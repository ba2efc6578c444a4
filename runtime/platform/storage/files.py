"""The files that a tenant's steps may read and write: one folder per tenant, in place of the host's root."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from runtime.platform.storage.file_search import find_files, relative_path
from runtime.values.problem import ProblemError
from runtime.values.streams import LongBytes, pieces_of

__all__ = ["TenantFiles"]

T = TypeVar("T")

PIECE_BYTES: Final = 4 * 1024 * 1024
"""Size of the part of a long file that is in memory at a time."""
_DISABLED: Final = "Steps may not read or write files here."


class TenantFiles:
    """`/data/x` of a workflow is `<root>/<tenant>/data/x` of the host; a link that leads out of it is refused.

    Args:
        root: TEMPOR8_FILES; None: no step reads or writes files.
        tenant: the owner of the files.
        limit: maximum size of one file, in bytes.
    """

    def __init__(self, root: Path | None, tenant: str, limit: int) -> None:
        self._root = None if root is None else Path(os.path.realpath(root / tenant))
        self._limit = limit

    async def find(self, pattern: str, *, literal_brackets: bool = True) -> list[str]:
        """Return the tenant's absolute paths of the files that match `*`, `?`, `**` and `{a,b}`, sorted.

        Raise ProblemError when there is no folder, and as `find_files` does.
        """
        return await asyncio.to_thread(find_files, self._folder(), pattern, literal_brackets=literal_brackets)

    async def read(self, path: str) -> bytes | LongBytes:
        """Return the bytes of a file; those of a long one piece by piece. Raise ProblemError."""

        def work() -> bytes | int:
            place = self._place(path)
            size = place.stat().st_size
            if place.is_file() and size > self._limit:
                raise ProblemError(f"'{path}' has {size:,} bytes; the limit is {self._limit:,} (TEMPOR8_FILE_LIMIT)")
            return place.read_bytes() if size <= PIECE_BYTES else size

        async def pieces() -> AsyncIterator[bytes]:
            file = await _in_thread(lambda: self._place(path).open("rb"), path, "open")
            try:
                while piece := await _in_thread(lambda: file.read(PIECE_BYTES), path, "read"):
                    yield piece
            finally:
                file.close()

        content = await _in_thread(work, path, "stat")
        return content if isinstance(content, bytes) else LongBytes(content, pieces, path)

    async def write(self, path: str, data: bytes | LongBytes, *, append: bool = False) -> None:
        """Write a file in a folder that exists. Raise ProblemError."""

        def work() -> tuple[Path, Path]:
            place = self._place(path)
            return place, place if append else place.with_name(f".{place.name}.part")

        place, target = await _in_thread(work, path, "open")
        file = await _in_thread(lambda: target.open("ab" if append else "wb"), path, "open")
        try:
            with file:
                async for piece in pieces_of(data):
                    await _in_thread(partial(file.write, piece), path, "write")
        except BaseException:
            if not append:
                target.unlink(missing_ok=True)
            raise
        if not append:  # a file is there as a whole, or as it was
            await _in_thread(lambda: target.replace(place), path, "open")

    def _folder(self) -> Path:
        if self._root is None:
            raise ProblemError(
                _DISABLED,
                description="The operator opens them with TEMPOR8_FILES: a folder in which each tenant has one of its own.",
            )
        self._root.mkdir(parents=True, exist_ok=True)
        return self._root

    def _place(self, path: str) -> Path:
        root = self._folder()
        place = Path(os.path.realpath(root / relative_path(path)))
        if not place.is_relative_to(root):
            raise ProblemError("Access to the file is not allowed.")
        return place


async def _in_thread(work: Callable[[], T], path: str, call: str) -> T:
    """Run `work` in a thread. Raise ProblemError, with Node's text and the workflow's path, for an error of the system."""
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
