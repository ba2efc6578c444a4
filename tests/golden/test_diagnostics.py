"""Each code has a case, and the case raises it. The cases are files: `diagnostics/<code>.json`."""

import json
from pathlib import Path
from typing import Any

import pytest

from compiler import Compilation, compile_export, pipeline
from compiler.report.pages import rules
from runtime.catalog import CATALOG

CASES = Path(__file__).parent / "diagnostics"


def case(code: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads((CASES / f"{code}.json").read_text())
    return made


def source(given: dict[str, Any]) -> str | bytes:
    """The document of a case; what is large is made here."""
    if "hex" in given:
        return bytes.fromhex(given["hex"])
    if "repeat" in given:
        text, times = given["repeat"]
        return str(text) * int(times)
    if "text" in given:
        return str(given["text"])
    if "nodes" in given:
        plain = {"type": "n8n-nodes-base.noOp", "typeVersion": 1, "position": [0, 0], "parameters": {}}
        return json.dumps({"nodes": [plain | {"name": f"n{i}"} for i in range(given["nodes"])], "connections": {}})
    export: dict[str, Any] = given["export"]
    if "pinned" in given:
        name, size = given["pinned"]
        export = export | {"pinData": {name: [{"json": {"text": "x" * size}}]}}
    if "value" in given:
        name, size = given["value"]
        node = next(each for each in export["nodes"] if each["name"] == name)
        node["parameters"]["assignments"]["assignments"][0]["value"] = "x" * size
    return json.dumps(export, indent=1)


def compiled(given: dict[str, Any]) -> Compilation:
    known = frozenset(given["known"]) if "known" in given else None
    return compile_export(source(given), file="case.json", catalog=CATALOG, known=known)


SPECIAL = {"N8T117": "told by the command line", "N8T901": "needs a pass that fails"}


@pytest.mark.parametrize("code", sorted(rule.code for rule in rules() if rule.code not in SPECIAL))
def test_a_case_raises_its_code(code: str) -> None:
    given = case(code)
    found = [each for each in compiled(given).diagnostics if each.code == code]
    assert found, given["about"]
    first = found[0]
    assert first.message
    assert "{" not in first.message.replace("{{", "") or "text" in given or code in {"N8T401", "N8T410"}
    if "line" in given:
        assert first.at.line == given["line"]
    if "node" in given:
        assert first.at.node == given["node"]
        assert first.at.line is not None
        assert first.at.column is not None


def test_a_pass_that_fails_is_told_as_a_mistake_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(unit: object) -> None:
        raise RuntimeError(f"cannot do {type(unit).__name__}")

    monkeypatch.setattr(pipeline, "PASSES", (broken,))
    (found,) = compile_export("{}", file="x.json", catalog=CATALOG).diagnostics
    assert found.code == "N8T901"
    assert found.message == "a mistake of tempor8 in the pass 'broken': RuntimeError: cannot do Unit"
