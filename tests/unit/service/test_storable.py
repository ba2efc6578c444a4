"""What Postgres refuses is replaced or cut before it gets there."""

import json
from typing import Any

import pytest

from service.storable import MAX_BIGINT, storable_count, storable_json, storable_text

TEXTS = [
    ("plain 😀", "plain 😀"),
    ("a\0b", "a\ufffdb"),
    ("half \ud83d", "half \ufffd"),
    ("\udc00\0", "\ufffd\ufffd"),
    ("", ""),
]
COUNTS: list[tuple[Any, int]] = [
    (7, 7), (7.9, 7), ("12", 12), (True, 1), (-3, 0), (10**40, MAX_BIGINT), (None, 0), ("many", 0), ([], 0), ({}, 0),
    (float("nan"), 0), (float("inf"), MAX_BIGINT), (float("-inf"), 0),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), TEXTS)
def test_text_is_what_every_reader_can_encode(text: str, expected: str) -> None:
    """U+FFFD stands for what cannot be stored, as browsers do it."""
    assert storable_text(text) == expected
    storable_text(text).encode()
    assert storable_json({text: [text]}) == {expected: [expected]}


def test_text_is_cut_to_its_limit() -> None:
    """Indexes do not take text of any length."""
    assert storable_text("x" * 10, 3) == "xxx"


@pytest.mark.parametrize(("value", "expected"), COUNTS)
def test_a_count_is_a_number_that_its_column_takes(value: Any, expected: int) -> None:
    """Nothing that a model server answers ends the projector."""
    assert storable_count(value) == expected


def test_json_is_finite_and_not_deeper_than_readers_bear() -> None:
    """Infinity is no JSON; what is nested too deep is cut off."""
    deep: Any = "end"
    for _ in range(5000):
        deep = [deep]
    assert json.loads(json.dumps(storable_json({"n": float("inf"), "m": 1.5}))) == {"n": None, "m": 1.5}
    assert len(json.dumps(storable_json(deep))) < 1000
