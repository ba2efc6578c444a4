"""Our own regular expressions take linear time over whatever text stands in front of them."""

import re

import pytest

from tests.security.growth import LONGEST, super_linear
from tests.security.own_patterns import OwnPattern, own_patterns

pytestmark = pytest.mark.long

PATTERNS = own_patterns()
LONG = 2 * LONGEST
"""A fast machine notices nothing of what is short."""
TRIES = 3
"""Measurements until one finds that a pattern is slow: on a busy machine the short texts take long, too."""


@pytest.mark.parametrize("own", PATTERNS, ids=lambda own: own.place)
def test_a_pattern_of_ours_takes_linear_time(own: OwnPattern) -> None:
    slow = (
        f"{method} over {name}: {found}"
        for method, work in own.works()
        for name, text in own.texts()
        if super_linear(work, text) is not None and (found := super_linear(work, text)) is not None
    )
    assert next(slow, None) is None, own.pattern.pattern


@pytest.mark.parametrize("source", [r"\d+\.?\d*(?:e\d+)?\Z", r"(a|a)*b", r"<(?:\"[^\"]*\"|[^>])*!", r"\s+\Z"])
def test_a_pattern_that_takes_longer_is_found(source: str) -> None:
    own = OwnPattern("here", re.compile(source), ("finditer",))
    assert any(
        super_linear(work, text, LONG) for _ in range(TRIES) for _, work in own.works() for _, text in own.texts()
    )
