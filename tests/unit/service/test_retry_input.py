"""Edited items of a retry: files and pairing stay, and so do secrets that were shown masked."""

from typing import Any

import pytest

from schemas.redact import redact_json
from service.retry_input import MASK_DEPTH, edited_items

BEFORE: Any = [
    {
        "json": {"name": "Ada", "password": "hunter2hunter2", "list": [{"token": "abcdefghijklmnop", "n": 1}]},
        "binary": {"data": {"id": "1"}},
        "pairedItem": {"item": 0},
    }
]


def shown() -> Any:
    """The json as people see it."""
    return redact_json(BEFORE[0]["json"], depth=MASK_DEPTH)


def test_what_was_shown_masked_and_left_alone_stays_what_it_is() -> None:
    edited = shown() | {"name": "Bea"}
    assert edited["password"] != "hunter2hunter2"  # it is masked
    (item,) = edited_items(BEFORE, [edited], masked=True)
    assert item["json"] == BEFORE[0]["json"] | {"name": "Bea"}
    assert item["binary"] == BEFORE[0]["binary"]
    assert item["pairedItem"] == {"item": 0}


def test_a_new_value_in_place_of_a_masked_one_is_taken() -> None:
    edited = shown() | {"password": "another"}
    edited["list"][0]["n"] = 2
    (item,) = edited_items(BEFORE, [edited], masked=True)
    assert item["json"]["password"] == "another"  # of the test
    assert item["json"]["list"] == [{"token": "abcdefghijklmnop", "n": 2}]


@pytest.mark.parametrize("masked", [True, False])
def test_items_may_be_fewer_or_more(masked: bool) -> None:
    assert edited_items(BEFORE, [], masked=masked) == []
    assert edited_items(BEFORE, [{"a": 1}, {"b": 2}], masked=masked)[1] == {"json": {"b": 2}}
