"""n8n's display conditions."""

import re
from typing import Any

import pytest

from schemas.node import visible

LOCATED = {"model": {"__rl": True, "mode": "list", "value": "o3-mini"}}


@pytest.mark.parametrize(
    ("wanted", "parameters", "shown"),
    [
        (["o3-mini"], LOCATED, True),
        (["o3"], LOCATED, False),
        ([{"_cnd": {"startsWith": "o3"}}], LOCATED, True),
        ([{"_cnd": {"regex": re.compile("^o[3-9]").search}}], LOCATED, True),
        ([{"_cnd": {"regex": re.compile("^gpt").search}}], LOCATED, False),
        ([{"_cnd": {"regex": re.compile("^o3").search}}], {"model": "o3"}, True),
        ([{"_cnd": {"exists": True}}], {"model": {"__rl": True, "mode": "list", "value": ""}}, False),
    ],
)
def test_a_condition_on_a_resource_locator_is_on_its_value(
    wanted: list[Any], parameters: dict[str, Any], shown: bool
) -> None:
    assert visible({"model": wanted}, {}, parameters, 1) is shown


@pytest.mark.parametrize(
    ("show", "hide", "parameters", "shown"),
    [
        ({"type": ["files"]}, {"@version": [1]}, {"type": "={{ $json.type }}"}, True),
        ({"type": ["files"]}, {"@version": [1]}, {"type": "files"}, False),
        ({"type": ["text"], "rich": [False]}, {}, {"type": "={{ $json.type }}", "rich": True}, True),
        ({"rich": [False], "type": ["text"]}, {}, {"type": "={{ $json.type }}", "rich": True}, False),
        ({}, {"me": [True]}, {"me": "={{ $json.me }}"}, True),
        ({}, {"me": [True]}, {"me": True}, False),
    ],
)
def test_an_expression_shows_whatever_stands_behind_it_and_hides_nothing(
    show: dict[str, Any], hide: dict[str, Any], parameters: dict[str, Any], shown: bool
) -> None:
    assert visible(show, hide, parameters, 1) is shown
