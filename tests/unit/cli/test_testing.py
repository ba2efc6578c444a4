"""`tempor8 test`: what it says of cases that differ, are broken, never end, or have the same name."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.testing.processes import in_processes
from tests.exports import export, node, set_

RUN = CliRunner()


def _case(name: str, *nodes: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A case that expects what a run of these nodes gives, once `--update` has written it."""
    start = node("Start", "executeWorkflowTrigger")
    case = {
        "name": name,
        "workflow": export(name, start, *nodes),
        "start": "Start",
        "input": [{"json": {"name": "Ada"}}],
    }
    return case | more


def _write(folder: Path, name: str, case: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(case if isinstance(case, str) else json.dumps(case), encoding="utf-8")
    return path


def _run(*arguments: object) -> tuple[int, str]:
    result = RUN.invoke(app, ["test", *map(str, arguments)])
    return result.exit_code, result.output


@pytest.fixture
def passing(tmp_path: Path) -> Path:
    """A folder with a case that passes."""
    path = _write(tmp_path / "cases", "greets", _case("greets", set_("Greet", greeting="=Hello {{ $json.name }}")))
    assert _run(path, "--update")[0] == 0
    return tmp_path / "cases"


def test_update_writes_what_happened_and_then_it_passes(passing: Path) -> None:
    expected = json.loads((passing / "greets.json").read_text("utf-8"))["expected"]
    assert expected["nodes"]["Greet"][0]["outputs"] == [[{"name": "Ada", "greeting": "Hello Ada"}]]
    assert _run(passing) == (0, "1 of 1 cases passed\n")


def test_what_differs_is_said_by_node_item_and_field(passing: Path) -> None:
    case = json.loads((passing / "greets.json").read_text("utf-8"))
    case["expected"]["nodes"]["Greet"][0]["outputs"][0][0]["greeting"] = "Good day Ada"
    _write(passing, "greets", case)
    code, text = _run(passing)
    assert code == 1
    assert 'Greet: item 0.greeting: expected "Good day Ada", got "Hello Ada"' in text


def test_a_case_without_what_it_expects_is_told_how_to_get_it(tmp_path: Path) -> None:
    code, text = _run(_write(tmp_path, "new", _case("new", set_("Greet", a="b"))))
    assert code == 2
    assert "it has no 'expected'; --update writes what happens" in text


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ("{", "Expecting property name"),
        ("[]", "it is not a JSON object"),
        ('{"workflow": 5, "expected": {"status": "success", "order": [], "nodes": {}}}', "'workflow' is not an export"),
        ('{"workflow": {}, "expected": []}', "'expected' is not an object"),
        ('{"workflow": {}, "expected": {"status": "success"}}', "'expected' has no 'order'"),
    ],
)
def test_a_malformed_case_is_named_and_the_others_run(passing: Path, broken: str, why: str) -> None:
    _write(passing, "broken", broken)
    code, text = _run(passing)
    assert code == 2
    assert f"{passing / 'broken.json'}" in text
    assert why in text
    assert "1 of 2 cases passed" in text


def test_a_case_that_never_ends_is_stopped_and_the_others_run(passing: Path) -> None:
    case = _case("endless", node("A", "noOp"), node("B", "noOp"))
    case["workflow"]["connections"]["B"] = {"main": [[{"node": "A", "type": "main", "index": 0}]]}
    _write(passing, "endless", case | {"expected": {"status": "success", "order": [], "nodes": {}, "error": None}})
    code, text = _run(passing, "--timeout", "1")
    assert code == 1
    assert "it took more than 1 s and was stopped" in text
    assert "1 of 2 cases passed" in text


def test_results_of_cases_with_one_name_do_not_meet(passing: Path, tmp_path: Path) -> None:
    other = _write(tmp_path / "more", "greets", (passing / "greets.json").read_text("utf-8"))
    out = tmp_path / "out"
    assert _run(passing, other, "--out", out)[0] == 0
    assert len(list(out.glob("*.json"))) == 2
    shown = json.loads(next(out.glob("*.json")).read_text("utf-8"))
    assert shown["status"] == "success"


def test_a_case_is_made_of_an_exports_own_pinned_data(tmp_path: Path) -> None:
    document = export(
        "pins", node("Start", "manualTrigger"), node("Http", "httpRequest", 4.2, url="x"), set_("End", a="b")
    )
    place = _write(tmp_path, "pins", document | {"pinData": {"Http": [{"json": {"id": 7}}]}})
    code, text = _run("--record", place)
    assert code == 0
    assert json.loads(text)["expected"]["nodes"]["End"][0]["outputs"] == [[{"id": 7, "a": "b"}]]
    assert _run(_write(tmp_path, "case", text))[0] == 0
    code, text = _run("--record", _write(tmp_path, "bare", document))
    assert code == 2
    assert "has no pinned data" in text


def _odd(number: int) -> str:
    if number == 3:
        os._exit(9)
    return f"done {number}"


def test_a_process_that_dies_takes_no_other_case_with_it() -> None:
    found = in_processes(_odd, range(6), 2, lambda number: f"died {number}")
    assert found == ["done 0", "done 1", "done 2", "died 3", "done 4", "done 5"]
