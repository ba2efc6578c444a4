"""The description of the API that is checked in is the one that the application serves."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from api.app import create_app
from api.problem_pages import kinds
from runtime.platform.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
CHECKED_IN = ROOT / "docs" / "openapi.json"


def describe() -> dict[str, Any]:
    """The description, from an application that is wired to nothing."""
    needed = (
        "account_links", "accounts", "archive", "audit", "background", "blobs", "database", "links", "shutdown",
        "failures", "sessions", "start_keys", "started_runs", "store", "temporal", "tenants", "transient",
    )  # fmt: skip
    nothing: Any = SimpleNamespace(settings=Settings.load({}), **dict.fromkeys(needed))
    schema: dict[str, Any] = create_app(nothing, projector=False).openapi_schema.to_schema()
    return schema


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    """The description of today."""
    return describe()


def test_the_checked_in_description_is_up_to_date(described: dict[str, Any]) -> None:
    """After a change: `python -m tests.architecture.test_openapi` writes it anew."""
    assert json.loads(CHECKED_IN.read_text(encoding="utf-8")) == described


def test_it_is_openapi_3_1_with_both_ways_to_send_a_key(described: dict[str, Any]) -> None:
    assert described["openapi"].startswith("3.1")
    assert set(described["components"]["securitySchemes"]) == {"bearer", "apiKey", "operator"}


def test_every_error_answer_is_a_problem(described: dict[str, Any]) -> None:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            for status, answer in operation["responses"].items():
                if int(status) >= 400 and not path.startswith(("/health", "/readyz", "/problems")):
                    assert set(answer["content"]) == {"application/problem+json"}, (path, method, status)


def test_every_kind_of_problem_is_explained_in_the_docs() -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    missing = [kind.slug for kind in kinds() if f"`{kind.slug}`" not in text]
    assert missing == []


if __name__ == "__main__":
    CHECKED_IN.write_text(json.dumps(describe(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
