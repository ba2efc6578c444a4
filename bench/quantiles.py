"""Quantiles of what was measured."""

from collections.abc import Sequence

__all__ = ["quantiles"]


def quantiles(values: Sequence[float], shares: Sequence[float], digits: int = 1) -> dict[str, float]:
    """Return `{"p50": ...}` for each share (0.5), of at least one value."""
    ordered = sorted(values)
    return {
        f"p{share * 100:g}": round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], digits)
        for share in shares
    }
