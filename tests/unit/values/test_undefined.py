"""Members that are undefined: marked on the way to an activity, gone where data is stored."""

import copy
import json
from typing import Any

import pytest

from runtime.values.json_bytes import dumps, dumps_within_depth
from runtime.values.undefined import cells_without_undefined, marked, unmarked, without_undefined
from schemas.item import MAX_NESTING, UNDEFINED

ITEM: Any = {"a": UNDEFINED, "b": {"c": UNDEFINED, "d": [UNDEFINED, 1, {"e": UNDEFINED}]}, "f": None}


def test_members_go_and_elements_become_null() -> None:
    assert without_undefined(ITEM) == {"b": {"d": [None, 1, {}]}, "f": None}


def test_what_has_none_is_itself() -> None:
    value = {"a": [{"b": 1}], "c": None}
    assert without_undefined(value) is value
    assert marked(value) is value


@pytest.mark.parametrize(
    "value",
    [
        ITEM,
        [UNDEFINED],
        {"$tempor8": "undefined"},
        {"a": {"$tempor8": "value", "value": {"$tempor8": UNDEFINED}}},
        {},
        1,
    ],
)
def test_marks_are_read_back(value: Any) -> None:
    assert unmarked(json.loads(json.dumps(marked(value)))) == value


def test_a_list_that_is_shared_stays_shared() -> None:
    shared = [{"a": UNDEFINED}]
    made = marked({"one": shared, "two": shared})
    assert made["one"] is made["two"]


def test_json_has_none() -> None:
    assert dumps([ITEM]) == b'[{"b":{"d":[null,1,{}]},"f":null}]'
    assert dumps_within_depth({"a": UNDEFINED, "big": 2**70}) == b'{"big":1180591620717411303424}'


def test_a_value_that_is_undefined_stays_in_its_column() -> None:
    assert cells_without_undefined([[UNDEFINED, {"a": UNDEFINED}], None]) == [[UNDEFINED, {}], None]


def test_a_copy_of_undefined_is_undefined() -> None:
    assert copy.deepcopy(ITEM)["a"] is UNDEFINED


def test_the_deepest_value_that_an_item_may_have_is_walked() -> None:
    value: Any = {"a": UNDEFINED}
    for _ in range(MAX_NESTING):
        value = [value]
    assert unmarked(marked(value)) == value
    assert dumps(without_undefined(value)).endswith(b"[{}" + b"]" * MAX_NESTING)
