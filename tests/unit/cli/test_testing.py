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


def test_update_shows_a_new_expectation(tmp_path: Path) -> None:
    code, text = _run(_write(tmp_path, "new", _case("new", set_("Greet", a="b"))), "--update")
    assert code == 0
    assert "NEW new: this is what it expects now" in text
    assert "status: success" in text
    assert 'Greet: {"name": "Ada", "a": "b"}' in text


def test_update_shows_what_would_change_and_writes_it_only_when_it_is_accepted(passing: Path) -> None:
    case = json.loads((passing / "greets.json").read_text("utf-8"))
    case["expected"]["nodes"]["Greet"][0]["outputs"][0][0]["greeting"] = "Good day Ada"
    place = _write(passing, "greets", case)
    before = place.read_bytes()
    difference = 'Greet: item 0.greeting: expected "Good day Ada", got "Hello Ada"'
    code, text = _run(place, "--update")
    assert (code, place.read_bytes()) == (1, before)
    assert "--accept replaces" in text
    assert difference in text
    code, text = _run(place, "--update", "--accept")
    assert code == 0
    assert "CHANGED greets" in text
    assert difference in text
    assert _run(place)[0] == 0


def test_update_leaves_a_case_that_passes_as_it_is(passing: Path) -> None:
    before = (passing / "greets.json").read_bytes()
    assert _run(passing, "--update") == (0, "1 of 1 cases passed\n")
    assert (passing / "greets.json").read_bytes() == before


def test_accept_alone_is_refused() -> None:
    code, text = _run(".", "--accept")
    assert code == 2
    assert "give both" in text


def _manual(**more: Any) -> dict[str, Any]:
    case = _case("manual", set_("Greet", greeting="=Hello {{ $json.name }}"), mode="manual", **more)
    case["workflow"]["nodes"][0]["type"] = "n8n-nodes-base.manualTrigger"
    return case


def test_an_input_that_a_manual_trigger_ignores_is_reported_and_is_never_written_into_an_expectation(
    tmp_path: Path,
) -> None:
    place = _write(tmp_path, "manual", _manual())
    code, text = _run(place, "--update")
    assert code == 2
    assert '"mode": "trigger"' in text
    assert "expected" not in json.loads(place.read_text("utf-8"))
    _write(tmp_path, "manual", _manual(input=[{}]))
    assert _run(place, "--update")[0] == 0
    expected = json.loads(place.read_text("utf-8"))["expected"]
    _write(tmp_path, "manual", _manual(expected=expected))
    code, text = _run(place)
    assert code == 0
    assert "warning" in text
    assert 'Write "mode": "trigger"' in text


def test_what_the_workflow_responds_is_compared(tmp_path: Path) -> None:
    respond = node("Answer", "respondToWebhook", 1.1, respondWith="text", responseBody="Hello", options={})
    case = _case("responds", respond, mode="webhook")
    case["workflow"]["nodes"][0] = node("Start", "webhook", 2, path="x", responseMode="responseNode")
    place = _write(tmp_path, "responds", case)
    assert _run(place, "--update")[0] == 0
    case = json.loads(place.read_text("utf-8"))
    case["expected"]["response"]["body"] = "Goodbye"
    _write(tmp_path, "responds", case)
    code, text = _run(place)
    assert code == 1
    assert 'response.body: expected "Goodbye", got "Hello"' in text
    del case["expected"]["response"]
    _write(tmp_path, "responds", case)
    code, text = _run(place)
    assert code == 1
    assert "response: expected nothing, got {" in text


def test_an_expected_error_may_leave_out_the_node(passing: Path) -> None:
    case = _case("refuses", node("Refuse", "stopAndError", errorMessage="No"))
    place = _write(passing, "refuses", case)
    assert _run(place, "--update")[0] == 0
    case = json.loads(place.read_text("utf-8"))
    case["expected"]["error"] = {"message": "No"}
    _write(passing, "refuses", case)
    assert _run(passing) == (0, "2 of 2 cases passed\n")
    case["expected"]["status"] = "success"
    _write(passing, "refuses", case)
    code, text = _run(passing)
    assert code == 1
    assert "status: expected success, got error" in text
    assert "1 of 2 cases passed" in text


def test_a_case_names_the_file_of_its_workflow_and_pins_data_over_it(tmp_path: Path) -> None:
    """A path is relative to the case; null takes pinned data away; without an order only the nodes named are compared."""
    case = _case("greets", set_("Greet", greeting="=Hello {{ $json.name }}"), node("End", "noOp"), start="Start")
    exported = case["workflow"] | {"pinData": {"Greet": [{"json": {"greeting": "pinned"}}]}}
    _write(tmp_path, "greets", exported)
    one = [{"outputs": [[{"greeting": "pinned"}]]}]
    case |= {"workflow": "../greets.json", "expected": {"status": "success", "nodes": {"End": one, "Never": []}}}
    _write(tmp_path / "cases", "pinned", case)
    assert _run(tmp_path / "cases") == (0, "1 of 1 cases passed\n")
    _write(tmp_path / "cases", "unpinned", case | {"pinData": {"Greet": None}})
    code, text = _run(tmp_path / "cases")
    assert (code, 'greeting: expected "pinned", got "Hello Ada"' in text, "order" in text) == (1, True, False)
    _write(tmp_path / "cases", "unpinned", case | {"workflow": "../none.json"})
    assert "its workflow ../none.json cannot be read" in _run(tmp_path / "cases")[1]


def test_update_keeps_the_path_of_a_workflow(tmp_path: Path) -> None:
    case = _case("greets", set_("Greet", greeting="Hello"))
    _write(tmp_path, "greets", case["workflow"])
    place = _write(tmp_path / "cases", "greets", case | {"workflow": "../greets.json"})
    assert _run(place, "--update")[0] == 0
    assert json.loads(place.read_text("utf-8"))["workflow"] == "../greets.json"


def test_half_of_an_emoji_is_written_as_an_escape(tmp_path: Path) -> None:
    place = _write(tmp_path, "half", _case("half", set_("Cut", t="={{ 'Hi 😀'.slice(0, 4) }}")))
    code, text = _run(place, "--update", "--out", tmp_path / "out")
    assert code == 0
    assert '"t": "Hi \\ud83d"' in text
    assert '"t": "Hi \\ud83d"' in place.read_text("utf-8")
    assert _run(place)[0] == 0
    case = json.loads(place.read_text("utf-8"))
    case["expected"]["nodes"]["Cut"][0]["outputs"][0][0]["t"] = "Hi"
    _write(tmp_path, "half", case)
    code, text = _run(place)
    assert code == 1
    assert "Hi \\ud83d" in text


def test_the_error_about_a_case_without_an_expectation_says_how_to_get_one(tmp_path: Path) -> None:
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
        ('{"workflow": {}, "expected": {"status": "success"}}', "'expected' has no 'nodes'"),
    ],
)
def test_a_malformed_case_is_named_and_the_others_run(passing: Path, broken: str, why: str) -> None:
    _write(passing, "broken", broken)
    code, text = _run(passing)
    assert code == 2
    assert f"{passing / 'broken.json'}" in text
    assert why in text
    assert "1 of 2 cases passed" in text


# The signal may arrive inside a callback of the garbage collector (hypothesis has one), where Python can only print it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_case_that_never_ends_is_stopped_and_the_others_run(passing: Path) -> None:
    case = _case("endless", node("A", "noOp"), node("B", "noOp"))
    case["workflow"]["connections"]["B"] = {"main": [[{"node": "A", "type": "main", "index": 0}]]}
    _write(passing, "endless", case | {"expected": {"status": "success", "order": [], "nodes": {}, "error": None}})
    code, text = _run(passing, "--timeout", "10")  # of which the other case needs a small part, also on a busy machine
    assert code == 1
    assert "it took more than 10 s and was stopped" in text
    assert "1 of 2 cases passed" in text


def test_results_of_cases_with_one_name_do_not_meet(passing: Path, tmp_path: Path) -> None:
    other = _write(tmp_path / "more", "greets", (passing / "greets.json").read_text("utf-8"))
    out = tmp_path / "out"
    assert _run(passing, other, "--out", out)[0] == 0
    assert len(list(out.glob("*.json"))) == 2
    result = json.loads(next(out.glob("*.json")).read_text("utf-8"))
    assert result["status"] == "success"


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
    results = in_processes(_odd, range(6), 2, lambda number: f"died {number}")
    assert results == ["done 0", "done 1", "done 2", "died 3", "done 4", "done 5"]
