"""The directive `$fields`: which members of n8n's "additional fields" are sent."""

from typing import Any

import pytest

from runtime.integrations.scope import Scope
from runtime.integrations.values import evaluate

GIVEN = {"note": "", "count": 0, "on": False, "none": None, "tags": [], "name": "A"}


def scope(**parameters: Any) -> Scope:
    return Scope(parameters, {"json": {}}, 0, 1.0, 0.0, "UTC", {}, {}, None, {})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("option", "sent"),
    [
        pytest.param({}, GIVEN, id="all members"),
        pytest.param({"nonempty": True}, {"count": 0, "on": False, "name": "A"}, id="a zero is not empty"),
        pytest.param({"truthy": True}, {"tags": [], "name": "A"}, id="an empty list is true in JavaScript"),
    ],
)
def test_fields_sends_the_members_that_its_option_lets_through(option: dict[str, bool], sent: dict[str, Any]) -> None:
    assert evaluate({"$fields": "{additionalFields}", **option}, scope(additionalFields=GIVEN)) == sent
