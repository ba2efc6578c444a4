"""JSON in payloads: what orjson refuses still passes, and hints give types."""

import math
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from temporalio.converter import DataConverter

from runtime.platform.storage.payloads import JsonPayloadConverter, dumps, loads

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
CONVERTER = DataConverter(payload_converter_class=JsonPayloadConverter).payload_converter


class Lead(BaseModel):
    name: str
    score: float = 0.5


@dataclass
class Point:
    x: int
    y: int


def exact(value: Any) -> Any:
    """JSON as JavaScript reads it: an integer over 64 bits is a float."""
    if isinstance(value, bool) or not isinstance(value, int | list | dict):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**64 else float(value)
    if isinstance(value, list):
        return [exact(each) for each in value]
    return {key: exact(each) for key, each in value.items()}


@given(JSON)
def test_json_comes_back_with_its_keys_in_order(value: Any) -> None:
    back = loads(dumps(value))
    assert exact(back) == exact(value)
    assert list(back) == list(value) if isinstance(value, dict) else True


def test_what_javascript_makes_passes() -> None:
    assert loads(dumps({"lone": "\ud800", "big": 2**70})) == {"lone": "\ud800", "big": pytest.approx(2**70)}
    assert loads(dumps([math.nan, math.inf])) == [None, None]
    assert loads(dumps({1: "a"})) == {"1": "a"}


@pytest.mark.parametrize("value", [Lead(name="Ada"), Point(1, 2), [Lead(name="Ada")], {"a": 1}, None, b"bytes"])
def test_a_hint_gives_the_type_back(value: Any) -> None:
    hint: Any = list[Lead] if isinstance(value, list) else type(value)
    [payload] = CONVERTER.to_payloads([value])
    back = CONVERTER.from_payloads([payload], [hint])[0]
    assert back == (value if not isinstance(value, list) else [value[0].model_dump()])


def test_what_is_not_json_is_an_error_here() -> None:
    with pytest.raises(Exception, match="object"):
        CONVERTER.to_payloads([object()])
