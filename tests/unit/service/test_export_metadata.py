"""What lists of templates show of an export: what its author says in `meta.tempor8`, and nothing of another kind."""

import json
from typing import Any

import pytest

from service.export_metadata import author_description, author_metadata


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ({"duration_s": 300, "source": "us"}, {"duration_s": 300, "source": "us", "more_credentials": []}),
        ({"duration_s": "long", "source": 5}, {"more_credentials": []}),
        (
            {"credentials": [{"type": "smtp", "name": "Mail"}, 5, {}]},
            {"more_credentials": [{"type": "smtp", "name": "Mail"}]},
        ),
        ([], {"more_credentials": []}),
    ],
    ids=["what is said is kept", "of another kind: left out", "credentials that are none: left out", "no object"],
)
def test_what_the_author_says(own: Any, expected: dict[str, Any]) -> None:
    assert author_metadata(json.dumps({"meta": {"tempor8": own}})) == expected


@pytest.mark.parametrize(
    "export",
    ['{"description": "d", "meta": {"tempor8": {"description": "x"}}}', '{"meta": {"description": "d"}}',
     '{"meta": {"tempor8": {"description": "d"}}}'],
)  # fmt: skip
def test_a_description_stands_in_one_of_three_places(export: str) -> None:
    assert author_description(export) == "d"


def test_what_is_no_export_says_nothing() -> None:
    assert (author_metadata("{"), author_description("[]")) == ({"more_credentials": []}, "")
