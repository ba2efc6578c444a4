"""What the command line says to what it cannot work with: where, and what to do, in words; the exit code is 2."""

import sys
from pathlib import Path

import pytest

from cli.main import main

NOWHERE = "http://127.0.0.1:1"


def said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Return exit code and standard error of a call."""
    monkeypatch.setattr(sys, "argv", ["tempor8", *arguments])
    monkeypatch.setattr("cli.main._end", lambda _code: None)  # it would end this process at once
    with pytest.raises(SystemExit) as ended:
        main()
    assert isinstance(ended.value.code, int)
    return ended.value.code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["checks", "x"], "Did you mean 'check'"),
        (["workflow", "starts"], "Did you mean 'start'"),
        (["check", "no-such.json"], "no-such.json does not exist"),
        (["check", "--fail-on", "maybe", "x.json"], "not one of 'error', 'warning', 'never'"),
        (["explain", "N8T99999"], "`tempor8 rules` lists them"),
        (["run", "no-such.json"], "no-such.json: No such file or directory"),
        (["schemas", "--out", "/proc/no-such"], "/proc/no-such: "),
        (["workflow", "status", "x", "--url", "nowhere", "--key", "k"], "an address such as http://127.0.0.1:8202"),
        (["workflow", "status", "x", "--url", NOWHERE, "--key", "k"], "Start the API with: tempor8 serve"),
        (["workflow", "status", "x"], "--key, or TEMPOR8_API_KEY"),
        (["credentials", "set", "acme"], "Missing argument 'type'"),
        (["integrations", "show", "no-such"], "`tempor8 integrations list` lists them"),
        (["diff", "no-such.json", "no-such.json"], "no-such.json: No such file or directory"),
        (["graph", "no-such.json"], "no-such.json: No such file or directory"),
    ],
)
def test_what_is_wrong_is_told_in_words(
    arguments: list[str], words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TEMPOR8_API_KEY", raising=False)
    code, told = said(monkeypatch, capsys, *arguments)
    assert words in told
    assert "Traceback" not in told
    assert code == 2


def test_a_part_of_a_name_is_a_hint(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert "Did you mean seo_specialist?" in said(monkeypatch, capsys, "agents", "show", "seo")[1]


def test_an_unknown_agent_is_not_answered_with_all_of_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = said(monkeypatch, capsys, "agents", "show", "zzz")
    assert "`tempor8 agents list`" in told
    assert len(told) < 200
    assert code == 1


def test_a_database_that_is_no_address_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The pool would try to connect to it for ever. A password in it is not repeated."""
    monkeypatch.setenv("DATABASE_URL", "hunter2")
    monkeypatch.setenv("TEMPOR8_STATE", str(tmp_path))
    code, told = said(monkeypatch, capsys, "serve")
    assert told == "DATABASE_URL: an address such as postgresql://user:password@host:5432/database\n"
    assert code == 2
