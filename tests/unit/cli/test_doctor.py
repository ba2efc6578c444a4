"""`tempor8 doctor`."""

import pytest
from typer.testing import CliRunner

from cli.main import app
from runtime.confinement.walls import Wall

STANDS = Wall("files", stands=True)
HALF = Wall("network", stands=True, reason="without a namespace of its own: the system refuses the namespace")
MISSING = Wall("user", stands=False, reason="only root may start a process as another user")


@pytest.mark.parametrize(
    ("walls", "code", "lines"),
    [
        ((STANDS,), 0, ["files  on"]),
        (
            (STANDS, HALF),
            1,
            ["files    on", "network  on, but without a namespace of its own: the system refuses the namespace"],
        ),
        ((MISSING,), 1, ["user  off: only root may start a process as another user"]),
    ],
)
def test_each_wall_has_a_line_and_a_missing_one_an_exit_code(
    walls: tuple[Wall, ...], code: int, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.confinement.walls.check_walls", lambda: walls)
    result = CliRunner().invoke(app, ["doctor"])
    assert (result.exit_code, result.stdout.splitlines()) == (code, lines)


def test_a_malformed_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPOR8_SANDBOX", "maybe")
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 2
    assert "TEMPOR8_SANDBOX" in result.stderr


@pytest.mark.parametrize("verb", ["worker", "serve"])
def test_a_service_that_lacks_a_required_wall_does_not_start(verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.confinement.walls.check_walls", lambda: (STANDS, MISSING))
    monkeypatch.setenv("TEMPOR8_SANDBOX", "require")
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("TEMPOR8_PORT", "0")
    monkeypatch.setattr("runtime.confinement.children.configure", lambda _: None)
    monkeypatch.setattr("cli.verbs.serve.end_at_once", lambda: None)
    result = CliRunner().invoke(app, [verb])
    assert result.exit_code == 2
    assert "user (only root may start a process as another user)" in result.stderr
