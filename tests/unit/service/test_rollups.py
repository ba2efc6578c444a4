"""Figures from sums: percentiles of a histogram, counts by status."""

import math
import random

import pytest

from service.projection.shard_locks import SHARDS, shard_of
from service.rollups import figures, percentile


def bucket(ms: float) -> int:
    """As the table has it."""
    return max(0, 1 + math.floor(math.log(max(1e-3, ms)) / math.log(1.1)))


@pytest.mark.parametrize("share", [0.5, 0.95])
@pytest.mark.parametrize("scale", [2, 100, 60_000, 86_400_000])
def test_a_percentile_is_right_to_a_twentieth(share: float, scale: float) -> None:
    """Whatever the durations are, from milliseconds to days."""
    draw = random.Random(7)  # noqa: S311  # test data
    values = sorted(1 + draw.random() * scale for _ in range(5000))
    buckets: dict[int, int] = {}
    for value in values:
        buckets[bucket(value)] = buckets.get(bucket(value), 0) + 1
    exact = values[int(share * len(values)) - 1]
    assert percentile(buckets, share) == pytest.approx(exact, rel=0.051)


def test_no_run_that_ended_has_no_percentile() -> None:
    """Nothing is invented."""
    assert percentile({}, 0.5) is None
    assert figures([])["total"] == 0


def test_a_run_below_a_millisecond_has_a_duration() -> None:
    """The lowest bucket has no logarithm."""
    assert percentile({0: 3}, 0.5) == 0.5


def test_open_runs_count_and_have_no_duration() -> None:
    """Their bucket is -1."""
    row = {"status": "running", "runs": 4, "steps": 0, "duration_bucket": -1, "duration_ms": 0.0}
    found = figures([row])
    assert (found["total"], found["running"], found["mean_ms"], found["p50_ms"]) == (4, 4, None, None)


def test_tenants_are_spread_over_the_shards_and_stay_where_they_are() -> None:
    """The shard of a tenant is part of what is stored: a change of it would leave positions behind."""
    counts = [0] * SHARDS
    for number in range(1600):
        counts[shard_of(f"t{number}")] += 1
    assert min(counts) > 60
    assert (shard_of("acme"), shard_of("globex")) == (5, 5)
