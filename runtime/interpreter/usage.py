"""What a run has used of models: a record per request of the newest ones, sums of those before.

The records go with the run into the run that it continues as, and with its result: without a bound they would grow with each request.
"""

from collections.abc import Sequence
from typing import Any, Final

__all__ = ["KEPT", "add_usage", "shortened"]

KEPT: Final = 1000
"""Newest requests that keep a record of their own. The ones before are summed up when there are as many of them."""
NAMES: Final = ("agent", "node", "model", "status")
COUNTS: Final = ("requests", "input_tokens", "output_tokens", "duration_ms", "cost_usd")


def add_usage(records: list[dict[str, Any]], added: Sequence[dict[str, Any]]) -> None:
    """Add the records of a task to those of its run; sum up the oldest ones, per agent, node, model and status, when they are many.

    A sum has no `started`. Requests without a price are summed by themselves: unknown is not free.
    """
    records += added
    if len(records) >= 2 * KEPT:
        records[:] = shortened(records, KEPT)


def shortened(records: Sequence[dict[str, Any]], kept: int) -> list[dict[str, Any]]:
    """Return the last `kept` records (at least one), after sums of those before."""
    return [*_summed(records[:-kept]), *records[-kept:]]


def _summed(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    sums: dict[tuple[Any, ...], dict[str, Any]] = {}
    for each in records:
        key = (*(str(each.get(name)) for name in NAMES), "cost_usd" in each)
        known = sums.setdefault(key, {name: each[name] for name in NAMES if name in each})
        for name in COUNTS:
            if name in each or name == "requests":
                known[name] = known.get(name, 0) + _number(each.get(name, 1))
    return list(sums.values())


def _number(value: Any) -> float:
    """Return a count; 0 for what a model server says in place of a number."""
    return value if isinstance(value, int | float) else 0
