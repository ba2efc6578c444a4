"""The committed JSON Schemas are what the declarations say, and they agree with the checks."""

import json
from pathlib import Path
from typing import Any, Literal

import jsonschema
import pytest
from referencing import Registry, Resource

from compiler import compile_export
from compiler.report.example import RIGHT, WRONG, source
from compiler.report.schemas import DIALECT, diagnostic, files, parameters
from runtime.catalog import CATALOG
from runtime.contract import Inline, param
from tests.conformance.doubles import with_nodes
from tests.golden.test_diagnostics import CODES, compiled

ROOT = Path(__file__).parents[2]
TOLD = ("N8T303", "N8T307", "N8T308")
FILES = files(CATALOG)


def test_the_files_are_what_the_declarations_say() -> None:
    folder = ROOT / "schemas" / "generated"
    written = {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in folder.rglob("*.schema.json")
    }
    made = FILES
    assert sorted(written) == sorted(made), "run: tempor8 schemas"
    assert [name for name in made if written[name] != made[name]] == [], "run: tempor8 schemas"


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_is_a_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(FILES[name]))


def test_every_finding_is_a_diagnostic() -> None:
    validator = jsonschema.Draft202012Validator(diagnostic())
    for code in CODES:
        for each in compiled(code).diagnostics:
            validator.validate(json.loads(json.dumps(each.to_json())))


def registry() -> Registry[Any]:
    resources = (json.loads(text) for text in FILES.values())
    listed = [(each["$id"], Resource.from_contents(each)) for each in resources if "$id" in each]
    return Registry().with_resources(listed)


class Fresh(Inline):
    """A node type that the catalogue does not have."""

    type = "n8n-nodes-base.fresh"
    versions = (1, 2)
    mode: Literal["a", "b"] = param("a")


def test_a_new_node_type_is_one_file_and_one_line() -> None:
    before, after = FILES, files(with_nodes(Fresh))
    assert after.keys() - before.keys() == {"nodes/n8n-nodes-base.fresh.schema.json"}
    assert [name for name in before if before[name] != after[name]] == ["nodes.schema.json"]
    known = before["nodes.schema.json"].splitlines()
    (line,) = (each for each in after["nodes.schema.json"].splitlines() if each not in known)
    assert json.loads(line.removesuffix(","))["then"] == {"$ref": "nodes/n8n-nodes-base.fresh.schema.json"}


def test_an_editor_sees_wrong_parameters_through_the_schema_of_exports() -> None:
    schema = json.loads(FILES["export.schema.json"])
    validator = jsonschema.Draft202012Validator(schema, registry=registry())
    good, bad = (json.loads(source("N8T307", name)) for name in (RIGHT, WRONG))
    assert list(validator.iter_errors(good)) == []
    (error,) = validator.iter_errors(bad)
    assert list(error.absolute_path) == ["nodes", 1, "parameters", "mode"]


def test_schemas_and_checks_agree_on_real_exports(shared: Path) -> None:
    corpus = shared / "corpus" / "exports"
    validators: dict[tuple[str, float], jsonschema.Draft202012Validator] = {}
    for path in sorted(corpus.glob("*.json"))[:150]:
        made = compile_export(path.read_bytes(), file=path.name, catalog=CATALOG)
        told = {(each.at.node, each.facts.get("name")) for each in made.diagnostics if each.code in TOLD}
        for node in made.export.nodes if made.export else ():
            declared = CATALOG.find(node.type, node.type_version, node.parameters)
            if declared is None:
                continue
            key = (node.type, node.type_version)
            if key not in validators:
                schema = {"$schema": DIALECT} | parameters(declared, node.type_version)
                validators[key] = jsonschema.Draft202012Validator(schema)
            errors = validators[key].iter_errors(node.parameters)
            wrong = {str(error.absolute_path[0]) for error in errors if error.absolute_path}
            shown = {name for where, name in told if where == node.name}
            lists = {name for name, value in node.parameters.items() if isinstance(value, list)}
            assert wrong - lists <= shown, (path.name, node.name)
