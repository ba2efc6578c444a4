"""Headers that a credential's rule gives a request unless it has them."""

import pytest

from runtime.http import Request
from runtime.http.credentials import Credential, apply


@pytest.mark.parametrize(
    ("own", "version"),
    [
        pytest.param({}, "2022-02-22", id="a request without a version gets the credential's"),
        pytest.param({"notion-version": "2021-08-16"}, "2021-08-16", id="a request keeps its own version"),
    ],
)
def test_a_default_header_gives_way(own: dict[str, str], version: str) -> None:
    request = Request("GET", "https://api.notion.com/v1/users", headers=dict(own))
    apply(request, Credential("notionApi", {"apiKey": "T"}))
    assert {name.lower(): value for name, value in request.headers.items()} == {
        "authorization": "Bearer T",
        "notion-version": version,
    }
