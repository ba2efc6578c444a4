"""Our grades are those of the comparers that come with the recorded cases, on the files that we write."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance.__main__ import run, summary


def _chosen(folder: Path, scratch: Path, every: int) -> Path:
    """A tenth or so of a folder's files, as links."""
    scratch.mkdir()
    for path in sorted(folder.glob("*.json"))[::every]:
        (scratch / path.name).symlink_to(path)
    return scratch


def _script(shared: Path, name: str, *arguments: object) -> str:
    command = [sys.executable, str(shared / "conformance" / name), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout  # of the shared folder


@pytest.mark.parametrize(("shape", "every"), [("systematic", 20), ("real", 8)])
def test_workflow_cases(shared: Path, tmp_path: Path, shape: str, every: int) -> None:
    """One comparer reads case by case, the other a folder."""
    cases, out = _chosen(shared / "conformance" / shape, tmp_path / "cases", every), tmp_path / "out"
    out.mkdir()
    ours = {each["case"] for each in summary(run([cases], out, 2))["failed"]}
    if shape == "real":
        _script(shared, "compare_real.py", out, cases, "--json", tmp_path / "theirs.json")
        told = json.loads((tmp_path / "theirs.json").read_text("utf-8"))
        assert {name for name, faults in told.items() if faults} == ours
        return
    theirs = set()
    for path in sorted(cases.glob("*.json")):
        levels = json.loads(_script(shared, "compare.py", path, out / path.name))
        theirs |= {path.stem} if {"status", "outputs", "order"} & set(levels) else set()
    left_out = {path.stem for path in cases.glob("*.json") if "rawStatus" in path.read_text("utf-8")}
    assert theirs - left_out == ours


def test_expressions_and_requests(shared: Path, tmp_path: Path) -> None:
    """Both write beside the records, and print a share."""
    for shape, pattern, script in (
        ("expressions", "*.json", "compare_expressions.py"),
        ("wire", "n8n-nodes-base.httpRequest*.json", "compare_wire.py"),
    ):
        cases, out = tmp_path / shape, tmp_path / f"{shape}-out"
        cases.mkdir()
        out.mkdir()
        for path in sorted((shared / "conformance" / shape).glob(pattern)):
            (cases / path.name).symlink_to(path)
        ours = summary(run([cases], out, 2))
        told = _script(shared, script, out, cases)
        assert f"{100 * ours['passed'] / ours['cases']:.2f} %" in told, (ours["passed"], told[-300:])
