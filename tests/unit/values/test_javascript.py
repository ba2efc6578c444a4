"""JavaScript's conversions in Python give what V8 gives."""

import math
from typing import Any

import pytest

from runtime.values.javascript import (
    compare,
    js_number,
    js_string,
    json_stringify,
    loose_equal,
    property_order,
    strict_equal,
    truthy,
)
from schemas.item import UNDEFINED

STRINGS: list[tuple[Any, str]] = [
    (None, "null"),
    (UNDEFINED, "undefined"),
    (True, "true"),
    (5, "5"),
    (5.0, "5"),
    (-0.0, "0"),
    (0.1 + 0.2, "0.30000000000000004"),
    (1e21, "1e+21"),
    (10**21, "1e+21"),
    (123456789012345680000.0, "123456789012345680000"),
    (9007199254740993, "9007199254740992"),
    (1e-7, "1e-7"),
    (0.000001, "0.000001"),
    (1.5e300, "1.5e+300"),
    (-1.25e-9, "-1.25e-9"),
    (10**400, "Infinity"),
    (math.nan, "NaN"),
    (-math.inf, "-Infinity"),
    ([1, [2, None, UNDEFINED], {"a": 1}], "1,2,,,[object Object]"),
    ([], ""),
    ({}, "[object Object]"),
]


@pytest.mark.parametrize(("value", "expected"), STRINGS)
def test_a_value_becomes_the_string_that_javascript_makes(value: Any, expected: str) -> None:
    assert js_string(value) == expected


NUMBERS: list[tuple[Any, float]] = [
    ("", 0),
    (" \n12 ", 12),
    ("0x1F", 31),
    ("0b101", 5),
    (".5", 0.5),
    ("5.", 5),
    ("1e3", 1000),
    ("-Infinity", -math.inf),
    ("Infinity", math.inf),
    (None, 0),
    (True, 1),
    ([], 0),
    (["7"], 7),
    ("+-5", math.nan),
    ("1_000", math.nan),
    ("0x", math.nan),
    ("--Infinity", math.nan),
    ("12px", math.nan),
    ("infinity", math.nan),
    ("\u0663", math.nan),
    (UNDEFINED, math.nan),
    ({}, math.nan),
    ([1, 2], math.nan),
]


@pytest.mark.parametrize(("value", "expected"), NUMBERS)
def test_a_value_becomes_the_number_that_javascript_makes(value: Any, expected: float) -> None:
    got = js_number(value)
    assert got == expected or (math.isnan(got) and math.isnan(expected))


def test_only_seven_values_are_falsy() -> None:
    falsy: list[Any] = [UNDEFINED, None, False, 0, -0.0, math.nan, ""]
    others: list[Any] = [[], {}, "0", " ", -1]
    assert not any(truthy(each) for each in falsy)
    assert all(truthy(each) for each in others)


def test_strict_equality_knows_types_and_identity() -> None:
    data: list[Any] = []
    assert strict_equal(1, 1.0)
    assert strict_equal(data, data)
    assert not strict_equal(1, True)
    assert not strict_equal([], [])
    assert not strict_equal(None, UNDEFINED)
    assert not strict_equal(math.nan, math.nan)


def test_loose_equality_converts() -> None:
    pairs: list[tuple[Any, Any]] = [(None, UNDEFINED), (1, "1"), ("", 0), (True, "1"), ([], ""), ([1], 1), (False, [])]
    assert all(loose_equal(left, right) and loose_equal(right, left) for left, right in pairs)
    unlike: list[tuple[Any, Any]] = [
        (None, 0),
        (UNDEFINED, 0),
        ("a", "b"),
        ({}, "x"),
        ("NaN", math.nan),
        (True, "true"),
    ]
    assert not any(loose_equal(left, right) for left, right in unlike)


def test_strings_compare_by_utf16_units_and_the_rest_as_numbers() -> None:
    assert compare("10", "9") == -1
    assert compare("10", 9) == 1
    assert compare("\U0001f680", "\uffff") == -1
    assert compare(None, 0) == 0
    assert compare(UNDEFINED, 0) is None
    assert compare([2], "10") == 1


def test_json_is_written_as_javascript_writes_it() -> None:
    value = {"b": 1.0, "2": [UNDEFINED, math.nan], "a": {}, "1": "\u2028\ud800", "u": UNDEFINED}
    assert json_stringify(value) == '{"1":"\u2028\\ud800","2":[null,null],"b":1,"a":{}}'
    assert json_stringify({"a": [1]}, 2) == '{\n  "a": [\n    1\n  ]\n}'
    assert json_stringify(UNDEFINED) is None


def test_integer_keys_come_first() -> None:
    assert list(property_order({"b": 0, "10": 0, "2": 0, "01": 0, "a": 0})) == ["2", "10", "b", "01", "a"]
