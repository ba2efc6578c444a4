"""`tempor8 check` and its kin: exit codes, formats, selection, configuration, silence where there is nothing to say."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from tests.unit.compiler.making import export, node

RUNNER = CliRunner()
ODD = node("Odd", "community.thing")
WARNED = node("Edit", "n8n-nodes-base.set", 3.4, parameters={"mode": "cooked"})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=2))
    return path


def run(*arguments: str, stdin: str | None = None) -> tuple[int, str, str]:
    result = RUNNER.invoke(app, list(arguments), input=stdin)
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize(
    ("content", "options", "code"),
    [
        (export(), (), 0),
        (export(ODD), (), 1),
        (export(ODD), ("--allow-unsupported",), 0),
        (export(ODD), ("--fail-on", "never"), 0),
        (export(WARNED), (), 0),
        (export(WARNED), ("--fail-on", "warning"), 1),
        (export(WARNED), ("--fail-on", "warning", "--ignore", "N8T307"), 0),
        (export(WARNED), ("--fail-on", "warning", "--select", "N8T1,N8T2"), 0),
        ("{", (), 1),
    ],
)
def test_the_exit_code_says_whether_something_was_found(
    folder: Path, content: Any, options: tuple[str, ...], code: int
) -> None:
    put(folder, "a.json", content)
    assert run("check", "a.json", *options)[0] == code


def test_a_path_that_does_not_exist_is_a_usage_error(folder: Path) -> None:
    code, out, err = run("check", "missing.json")
    assert (code, out) == (2, "")
    assert "missing.json does not exist" in err


def test_text_shows_the_line_a_caret_and_what_to_do(folder: Path) -> None:
    put(folder, "a.json", export(WARNED))
    _, out, _ = run("check", "a.json")
    first, excerpt, caret, hint, summary = out.splitlines()
    assert first == "a.json:23:17: warning[N8T307] in 'Edit': the parameter 'mode' has no option 'cooked'"
    assert excerpt.endswith('"mode": "cooked"')
    assert excerpt[caret.index("^") :].startswith('"cooked"')
    assert hint.strip() == "= the options are manual, raw"
    assert summary == "1 of 1 export runnable, 1 warning"


def test_a_folder_means_every_export_below_it(folder: Path) -> None:
    put(folder, "in/b.json", export())
    put(folder, "in/a/c.json", export(ODD))
    put(folder, "in/.hidden/d.json", "{")
    _, out, _ = run("check", "in", "--format", "json")
    assert [(each["path"], each["runnable"]) for each in json.loads(out)] == [
        ("in/a/c.json", False),
        ("in/b.json", True),
    ]


def test_standard_input_is_a_file_too() -> None:
    code, out, _ = run("check", "-", "--format", "json", stdin=json.dumps(export(ODD), indent=2))
    (document,) = json.loads(out)
    assert code == 1
    assert document["path"] == "<stdin>"
    assert document["nodes"][1] == {
        "name": "Odd",
        "type": "community.thing",
        "version": 1,
        "verdict": "unsupported",
        "reason": "the node type community.thing is not supported",
    }
    (diagnostic,) = (each for each in document["diagnostics"] if each["severity"] == "error")
    assert (diagnostic["code"], diagnostic["node"], diagnostic["pointer"]) == ("N8T301", "Odd", "/nodes/1/type")
    assert (diagnostic["line"], diagnostic["column"]) == (16, 15)


def test_several_workflows_in_one_file_are_all_compiled(folder: Path) -> None:
    put(folder, "all.json", json.dumps([export(), export(ODD)]))
    _, out, _ = run("check", "all.json", "--format", "json")
    assert [each["runnable"] for each in json.loads(out)] == [True, False]


def test_hostile_names_cannot_write_github_commands_or_on_the_terminal(folder: Path) -> None:
    put(folder, "a.json", export(node("x\n::error::pwned\x1b[31m", "community.thing")))
    _, out, _ = run("check", "a.json", "--format", "github")
    assert all(line.startswith("::error file=a.json,line=") for line in out.splitlines())
    assert out.count("::error ") == 1
    _, out, _ = run("check", "a.json")
    assert "\x1b" not in out
    assert not any(line.startswith("::") for line in out.splitlines())


def test_gitlab_gets_a_code_quality_report(folder: Path) -> None:
    """Each issue has the members that GitLab reads; two findings alike are two issues; no finding is an empty report."""
    put(folder, "drafts/a.json", export(node("One", "community.thing"), node("Two", "community.thing"), WARNED))
    code, out, _ = run("check", "./drafts/a.json", "--format", "gitlab")
    issues = json.loads(out)
    assert code == 1
    assert {each["severity"] for each in issues} >= {"critical", "minor"}
    assert len({each["fingerprint"] for each in issues}) == len(issues)
    for each in issues:
        assert each["location"]["path"] == "drafts/a.json"
        assert each["location"]["lines"]["begin"] >= 1
        assert each["check_name"].startswith("N8T")
    assert any("'One'" in each["description"] for each in issues)
    put(folder, "b.json", export())
    assert json.loads(run("check", "b.json", "--format", "gitlab", "--select", "N8T101")[1]) == []


def test_secrets_are_masked_everywhere(folder: Path) -> None:
    secret = "sk-proj-abcdefghijklmnop1234567890"
    call = node("Call", "n8n-nodes-base.httpRequest", 4.2, parameters={"url": "https://example.com", "method": secret})
    put(folder, "a.json", export(call))
    for format_ in ("text", "json", "sarif", "github", "gitlab"):
        _, out, _ = run("check", "a.json", "--format", format_)
        assert "N8T" in out
        assert secret not in out


def test_a_note_silences_a_code_for_its_node(folder: Path) -> None:
    put(folder, "a.json", export(WARNED | {"notes": "tempor8: ignore N8T307 because the API takes it"}))
    _, out, _ = run("check", "a.json")
    assert out == "1 of 1 export runnable\n"


def test_the_configuration_of_the_project_holds(folder: Path) -> None:
    put(folder, "tempor8.toml", '[check]\nignore = ["N8T307"]\nfail-on = "warning"\nexclude = ["drafts/*"]\n')
    put(folder, "a.json", export(WARNED))
    put(folder, "drafts/b.json", "{")
    assert run("check", ".")[0] == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[check]\nfail_on = 3\n", "fail_on should be a string"),
        ("[check]\nignores = []\n", "there is no setting 'ignores'"),
        ('[check]\nfail-on = "always"\n', "fail-on should be error, warning or never"),
        ("[check\n", "tempor8.toml"),
    ],
)
def test_a_configuration_that_cannot_be_understood_is_a_usage_error(folder: Path, text: str, message: str) -> None:
    put(folder, "tempor8.toml", text)
    put(folder, "a.json", export())
    code, _, err = run("check", "a.json")
    assert code == 2
    assert message in " ".join(err.split())


def test_compile_writes_plans_and_a_report(folder: Path) -> None:
    put(folder, "in/good.json", export())
    put(folder, "in/bad.json", export(ODD))
    code, out, _ = run("compile", "in", "--out", "plans", "--report", "report.html")
    assert code == 1
    assert "in/bad.json:16:15: error[N8T301] in 'Odd'" in out
    assert [each.name for each in (folder / "plans").iterdir()] == ["good.plan.json"]
    assert "1 of 2" in (folder / "report.html").read_text()


def test_compile_gives_one_plan_on_standard_output_and_findings_on_standard_error(folder: Path) -> None:
    put(folder, "a.json", export(WARNED))
    code, out, err = run("compile", "a.json")
    assert code == 0
    assert json.loads(out)["name"] == "test"
    assert "N8T307" in err


def test_plans_of_equal_names_do_not_overwrite_each_other(folder: Path) -> None:
    put(folder, "a/x.json", export())
    put(folder, "b/x.json", export())
    run("compile", "a", "b", "--out", "plans")
    assert sorted(each.name for each in (folder / "plans").iterdir()) == ["a__x.plan.json", "b__x.plan.json"]


def test_report_counts_and_says_what_to_build_first(folder: Path) -> None:
    put(folder, "a.json", export(ODD))
    put(folder, "b.json", export(ODD, node("More", "community.other")))
    put(folder, "c.json", export())
    code, out, _ = run("report", ".", "--format", "json")
    document = json.loads(out)
    assert code == 0
    assert (document["exports"], document["runnable"]) == (3, 1)
    assert document["nodes"] == {"total": 6, "exact": 3, "differs": 0, "unsupported": 3}
    assert document["missing"] == [
        {"type": "community.thing", "exports": 2, "unlocks": 1},
        {"type": "community.other", "exports": 1, "unlocks": 1},
    ]
    assert [each["path"] for each in document["files"]] == ["a.json", "b.json", "c.json"]


def test_a_report_page_escapes_what_exports_say(folder: Path) -> None:
    put(folder, "a.json", export(node("<script>alert(1)</script>", "community.thing"), name="<b>"))
    _, out, _ = run("report", "a.json", "--format", "html")
    assert "<script>" not in out
    assert "&lt;script&gt;" in out
    assert "http" not in out.replace("https://github.com/tempor8/", "")


def test_explain_shows_why_an_example_and_what_to_do() -> None:
    code, out, _ = run("explain", "N8T304")
    assert code == 0
    headings = [line for line in out.splitlines() if line.startswith("#")]
    sections = ["Why it matters", "Example", "What to do", "Message"]
    assert headings == ["# N8T304: MissingParameter", *(f"## {each}" for each in sections)]
    assert '"parameters": {"url": ""}' in out
    assert "the parameter 'url' is required, but empty" in out


def test_explain_knows_codes_and_names() -> None:
    assert run("explain", "N8T301")[1] == run("explain", "UnsupportedNode")[1]
    code, _, err = run("explain", "N8T999")
    assert code == 2
    assert "`tempor8 rules` lists them" in err or "did you mean" in err


def test_rules_lists_every_code() -> None:
    assert len(json.loads(run("rules", "--format", "json")[1])) == len(run("rules")[1].splitlines())


@pytest.mark.parametrize("verb", ["check", "compile", "report"])
@pytest.mark.parametrize(("name", "ending"), [("X.JSON", ".JSON"), ("w.yaml", ".yaml")])
def test_a_folder_without_an_export_is_an_error_of_usage_that_says_what_is_there(
    folder: Path, verb: str, name: str, ending: str
) -> None:
    put(folder, f"exports/{name}", export())
    code, out, err = run(verb, "exports")
    assert (code, out) == (2, "")
    assert "there is no *.json file in exports" in err
    assert ending in err


def test_a_workflow_calls_those_that_are_checked_with_it(folder: Path) -> None:
    call = node(
        "Call", "n8n-nodes-base.executeWorkflow", 1.2, parameters={"workflowId": {"mode": "id", "value": "callee"}}
    )
    put(folder, "caller.json", export(call))
    put(folder, "other.json", export() | {"id": "other"})
    assert "N8T318" in run("check", "caller.json", "other.json", "-v")[1]
    put(folder, "other.json", export() | {"id": "callee"})
    assert "N8T318" not in run("check", "caller.json", "other.json", "-v")[1]


def test_report_says_what_another_version_of_n8n_changes(folder: Path) -> None:
    """In every format; without `--target` no format says a word."""
    function = node("Old", "n8n-nodes-base.function", parameters={"functionCode": "return items"})
    put(folder, "a.json", export(function))
    put(folder, "b.json", export())
    code, out, _ = run("report", ".", "--target", "n8n-3")
    assert code == 0
    assert "n8n-3  changes 1 of 2 exports (50.0 %)" in out
    [line] = [each for each in out.splitlines() if "N8T801" in each]
    assert "Old: n8n 3.0 removes the Function node; it keeps running here (use a Code node" in line
    _, page, _ = run("report", ".", "--target", "n8n-3", "--format", "html")
    assert "What n8n-3 changes" in page
    document = json.loads(run("report", ".", "--target", "n8n-3", "--format", "json")[1])
    assert [each["code"] for each in document["files"][0]["diagnostics"] if each["severity"] == "warning"] == ["N8T801"]
    assert "N8T8" not in run("report", ".")[1] + run("report", ".", "--format", "json")[1]
    assert run("report", ".", "--target", "n8n-4")[0] == 2
