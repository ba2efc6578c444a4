"""Capability: documents with vectors that last between runs."""

from collections.abc import Sequence
from typing import Any, Final, Protocol, TypedDict

__all__ = ["MAX_DOCUMENTS", "VectorDocument", "Vectors"]

MAX_DOCUMENTS: Final = 5_000
"""Documents under one key: all of them are compared in each search."""


class VectorDocument(TypedDict):
    """A document with its vector, under an id that is the same on every attempt."""

    id: str
    document: dict[str, Any]
    vector: Sequence[float]


class Vectors(Protocol):
    """Documents of the tenant, under keys (the stores)."""

    async def add(self, key: str, documents: Sequence[VectorDocument]) -> None:
        """Add documents under a key; one whose id is there already is replaced. Raise NodeError above MAX_DOCUMENTS."""

    async def clear(self, key: str) -> None:
        """Remove all documents under a key."""

    async def nearest(self, key: str, vector: Sequence[float], k: int) -> list[tuple[dict[str, Any], float]]:
        """Return the `k` documents that are nearest to a vector, nearest first, each with its cosine similarity.

        Raise NodeError when their vectors are of another length.
        """
