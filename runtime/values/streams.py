"""Long bytes that are read piece by piece, as often as needed."""

from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from dataclasses import dataclass

__all__ = ["LongBytes", "StoredFile", "concatenate", "pieces_of"]


@dataclass(frozen=True)
class StoredFile:
    """A file that is in storage: the id for its reference, how many bytes it has, and the first of them."""

    id: str
    size: int
    head: bytes


class LongBytes:
    """The content of a request that is too long for memory. Each iteration begins anew.

    Args:
        size: how many bytes there are.
        pieces: gives them.
        name: what stands for the content where it is hashed; the same content has the same.
    """

    def __init__(self, size: int, pieces: Callable[[], AsyncIterable[bytes]], name: str) -> None:
        self.size, self._pieces, self.name = size, pieces, name

    def __len__(self) -> int:
        return self.size

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._pieces():
            yield piece


async def pieces_of(data: bytes | LongBytes) -> AsyncIterator[bytes]:
    """Yield the content piece by piece; bytes are one piece."""
    if isinstance(data, bytes):
        yield data
        return
    async for piece in data:
        yield piece


def concatenate(parts: Sequence[bytes | LongBytes]) -> bytes | LongBytes:
    """Return the parts one after the other; bytes when all of them are."""
    short = [part for part in parts if isinstance(part, bytes)]
    if len(short) == len(parts):
        return b"".join(short)

    async def pieces() -> AsyncIterator[bytes]:
        for part in parts:
            async for piece in pieces_of(part):
                yield piece

    name = "+".join(part.name if isinstance(part, LongBytes) else str(len(part)) for part in parts)
    return LongBytes(sum(map(len, parts)), pieces, name)
