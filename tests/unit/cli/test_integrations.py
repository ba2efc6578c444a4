"""`tempor8 integrations`."""

from pathlib import Path

from typer.testing import CliRunner

from cli.verbs.integrations import app
from tests.unit.integrations.test_draft import DOCUMENT

RUNNER = CliRunner()


def test_list_names_every_vendor() -> None:
    result = RUNNER.invoke(app, ["list"])
    assert result.exit_code == 0
    assert any(line.startswith("slack ") and "n8n-nodes-base.slack" in line for line in result.stdout.splitlines())


def test_show_takes_a_folder_or_a_node_type() -> None:
    folder, type_ = (RUNNER.invoke(app, ["show", each]).stdout for each in ("deep_l", "n8n-nodes-base.deepL"))
    assert folder == type_
    assert "`deepLApi`" in folder


def test_a_vendor_that_is_not_there_is_told_with_the_nearest() -> None:
    result = RUNNER.invoke(app, ["show", "slak"])
    assert result.exit_code == 2
    assert "slack" in result.stderr


def test_check_finds_nothing_in_what_is_shipped() -> None:
    result = RUNNER.invoke(app, ["check", "slack"])
    assert (result.exit_code, result.stdout) == (0, "")


def test_new_writes_a_folder_and_never_over_one(tmp_path: Path) -> None:
    document, folder = tmp_path / "acme.yaml", tmp_path / "acme"
    document.write_text(DOCUMENT, encoding="utf-8")
    arguments = ["new", "Acme", "--openapi", str(document), "--into", str(folder)]
    assert RUNNER.invoke(app, arguments).exit_code == 0
    assert {each.name for each in folder.iterdir()} == {"__init__.py", "v1.yaml", "parameters.json"}
    again = RUNNER.invoke(app, arguments)
    assert (again.exit_code, "is there already" in again.stderr) == (2, True)


def test_new_says_what_is_wrong_with_a_document(tmp_path: Path) -> None:
    document = tmp_path / "old.json"
    document.write_text('{"swagger": "2.0"}', encoding="utf-8")
    result = RUNNER.invoke(app, ["new", "Old", "--openapi", str(document), "--into", str(tmp_path / "old")])
    assert (result.exit_code, "no OpenAPI 3 document" in result.stderr) == (2, True)


def test_new_wants_a_name_with_a_letter(tmp_path: Path) -> None:
    document = tmp_path / "acme.yaml"
    document.write_text("openapi: 3.0.0\npaths: {/a: {get: {}}}", encoding="utf-8")
    result = RUNNER.invoke(app, ["new", "!!", "--openapi", str(document)])
    assert (result.exit_code, "use letters and digits" in result.stderr) == (2, True)


def test_new_says_where_it_cannot_write(tmp_path: Path) -> None:
    document = tmp_path / "acme.yaml"
    document.write_text("openapi: 3.0.0\npaths: {/a: {get: {}}}", encoding="utf-8")
    result = RUNNER.invoke(app, ["new", "Acme", "--openapi", str(document), "--into", str(document / "acme")])
    assert (result.exit_code, "Not a directory" in result.stderr) == (2, True)
