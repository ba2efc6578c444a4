"""Progress bars: on a terminal, for people; and completion of the command line in the shells that people use."""

import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import PATIENCE
from tests.unit.compiler.making import export

TEMPOR8 = Path(sys.executable).with_name("tempor8")


def standard_error(*arguments: str, terminal: bool) -> str:
    """What a command writes to standard error, which is a terminal or a pipe; standard output is a pipe."""
    ours, theirs = pty.openpty() if terminal else os.pipe()
    running = subprocess.Popen(
        [TEMPOR8, *arguments], stderr=theirs, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL
    )
    os.close(theirs)
    text = b""
    try:
        while part := os.read(ours, 4096):
            text += part
    except OSError:  # the other end of a terminal is closed
        pass
    finally:
        os.close(ours)
    assert running.wait(PATIENCE) == 0, text.decode()
    return text.decode()


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    """A folder of twenty-five exports."""
    for number in range(25):
        (tmp_path / f"{number}.json").write_text(json.dumps(export()))
    return tmp_path


@pytest.mark.parametrize("command", [("check",), ("report",), ("compile", "--out", "{out}")])
def test_long_work_has_a_bar_on_a_terminal(exports: Path, tmp_path: Path, command: tuple[str, ...]) -> None:
    words = [each.format(out=tmp_path / "plans") for each in command]
    text = standard_error(*words, str(exports), terminal=True)
    assert "exports" in text
    assert "100%" in text


@pytest.mark.parametrize("command", [("check", "--format", "json"), ("report", "--format", "json")])
def test_output_for_programs_has_no_bar(exports: Path, command: tuple[str, ...]) -> None:
    assert "%" not in standard_error(*command, str(exports), terminal=True)


def test_without_a_terminal_there_is_no_bar(exports: Path) -> None:
    assert standard_error("check", str(exports), terminal=False) == ""


def test_short_work_has_no_bar(exports: Path) -> None:
    assert "%" not in standard_error("check", str(exports / "1.json"), terminal=True)


BASH = """
source <(tempor8 --show-completion)
COMP_WORDS=({words}) COMP_CWORD={place}
_tempor8_completion tempor8
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
ZSH = """
compdef() { [[ $2 == tempor8 ]] && completer=$1 }
_arguments() { print -l -- "$@" }
_describe() { shift; print -l -- "$@" }
compadd() { print -l -- "$@" }
source <(tempor8 --show-completion)
words=(WORDS) CURRENT=PLACE
$completer
"""
CASES = [
    (("tempor8", "wor"), {"worker", "workers", "workflow"}),
    (("tempor8", "tenants", "ro"), {"rotate"}),
    (("tempor8", "check", "--form"), {"--format"}),
    (("tempor8", "check", "--format", "sa"), {"sarif"}),
]


@pytest.mark.parametrize(("words", "offered"), CASES, ids=[" ".join(words) for words, _ in CASES])
@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_shell_completes_verbs_options_and_values(shell: str, words: tuple[str, ...], offered: set[str]) -> None:
    """The script that `--show-completion` prints, run by the shell itself."""
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here: apt-get install {shell}")
    if shell == "bash":
        script = BASH.format(words=" ".join(words), place=len(words) - 1)
    else:
        script = ZSH.replace("WORDS", " ".join(words)).replace("PLACE", str(len(words)))
    path = f"{TEMPOR8.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [shell, "-c", script], env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for each in offered:
        assert each in done.stdout, (done.stdout, done.stderr)
