"""What is said when the build that runs need does not poll."""

import time

import pytest

from service.worker_presence import Workers

NOW, GONE = 0.0, 1000.0
"""Seconds since the last poll."""

CASES = [
    ("nobody polls", {}, None, None, "No worker polls"),
    ("who polled long ago is gone", {"a": GONE}, "a", None, "No worker polls"),
    ("workers without a build serve runs without one", {"": NOW}, None, None, None),
    ("the current build polls", {"a": NOW, "b": NOW}, "b", None, None),
    ("the current build is gone, an old one polls", {"a": NOW, "b": GONE}, "b", None, "build b is the current one"),
    ("it says which build could be made current", {"a": NOW}, "b", None, "workers promote --build a"),
    ("no build was ever promoted", {"a": NOW}, None, None, "No build of the worker is the current one"),
    ("a pinned run's build polls", {"a": NOW, "b": NOW}, "b", "a", None),
    ("a pinned run's build is gone", {"b": NOW}, "b", "a", "belongs to worker build a"),
]


@pytest.mark.parametrize(("polls", "current", "build", "says"), [each[1:] for each in CASES], ids=[c[0] for c in CASES])
def test_it_says_which_build_is_missing(
    polls: dict[str, float], current: str | None, build: str | None, says: str | None
) -> None:
    """And what to do; nothing when runs go on."""
    last = {each: time.time() - age for each, age in polls.items()}
    missing = Workers("tempor8", last, current).missing(build)
    assert missing is None if says is None else says in str(missing)
