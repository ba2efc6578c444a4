"""Tests of whole agents run twice: whole, and as a run that continues as new before each command."""

import pytest

from tests.carrying import continue_inside_steps

TWICE = (
    "test_durable_tools",
    "test_lead_scoring",
    "test_mcp_trigger",
    "test_recorded_parts",
    "test_specialists",
)

MODULES = ("world", "test_durable_tools", "test_mcp_trigger")
"""Modules that start runs."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests of these modules in both ways."""
    if metafunc.module.__name__.rpartition(".")[2] in TWICE:
        metafunc.fixturenames.append("continued")
        metafunc.parametrize("continued", ["whole", "continued"], indirect=True)


@pytest.fixture
def continued(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a run comes to must not depend on where it continued."""
    if request.param == "continued":
        continue_inside_steps(monkeypatch, *(f"tests.unit.agents.{name}" for name in MODULES))
