"""Vectors of documents: packed as text, and the nearest of them by cosine similarity. Pure."""

import base64
import heapq
import math
from array import array
from collections.abc import Iterable, Sequence
from operator import itemgetter, mul
from typing import TypeVar

__all__ = ["VectorLengthError", "nearest", "pack", "unpack"]

T = TypeVar("T")


class VectorLengthError(ValueError):
    """Two vectors have not the same length, as those of different models."""


def pack(vector: Sequence[float]) -> str:
    """Return a vector as text: base64 of 64-bit numbers."""
    return base64.b64encode(array("d", vector).tobytes()).decode()


def unpack(text: str) -> Sequence[float]:
    """Return the vector behind `pack`."""
    vector = array("d")
    vector.frombytes(base64.b64decode(text))
    return vector


def nearest(rows: Iterable[tuple[T, Sequence[float]]], vector: Sequence[float], k: int) -> list[tuple[T, float]]:
    """Return the `k` rows with the greatest cosine similarity, greatest first; of equals the earlier one is first.

    Raise VectorLengthError.
    """
    length = math.sqrt(sum(map(mul, vector, vector)))
    scored = [(document, _similarity(each, vector, length)) for document, each in rows]
    return heapq.nlargest(k, scored, key=itemgetter(1))


def _similarity(one: Sequence[float], other: Sequence[float], length: float) -> float:
    if len(one) != len(other):
        raise VectorLengthError(f"a vector of {len(other)} numbers is compared with one of {len(one)}")
    both = math.sqrt(sum(map(mul, one, one))) * length
    return sum(map(mul, one, other)) / both if both else 0.0
