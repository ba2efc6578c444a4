"""Real and broken exports: no crash, no fault of the compiler, a verdict for each node, the cause of each error."""

from pathlib import Path
from typing import Any

import pytest

from compiler import Compilation, compile_export
from runtime.catalog import CATALOG
from tests.shared_folder import ABSENT, shared_path

CORPUS = shared_path("corpus")

CAUSES = {
    "bad_node": {"N8T111"},
    "bad_connection_shape": {"N8T112"},
    "connections_list": {"N8T112"},
    "connections_missing": {"N8T116"},
    "empty_file": {"N8T103"},
    "malformed_json": {"N8T101", "N8T108"},
    "no_n8n_types": {"N8T115"},
    "no_nodes": {"N8T114"},
    "no_nodes_key": {"N8T107"},
    "nodes_int": {"N8T107"},
    "single_node": {"N8T107"},
}


def compiled(path: Path) -> Compilation:
    return compile_export(path.read_bytes(), file=path.name, catalog=CATALOG)


@pytest.fixture
def corpus() -> Path:
    """The folder of real exports."""
    if CORPUS is None:
        pytest.skip(ABSENT)
    return CORPUS


def test_every_real_export_gets_a_verdict_for_each_node_and_no_fault_of_the_compiler(corpus: Path) -> None:
    for path in sorted((corpus / "exports").glob("*.json")):
        compilation = compiled(path)
        assert compilation.export is not None, path.name
        assert [each.message for each in compilation.diagnostics if each.code >= "N8T9"] == [], path.name
        assert {each.node for each in compilation.verdicts} == {node.name for node in compilation.export.nodes}, (
            path.name
        )
        assert compilation.runnable == (compilation.plan is not None), path.name


def reasons() -> list[Any]:
    if CORPUS is None:
        return [pytest.param("", "", marks=pytest.mark.skip(reason=ABSENT))]
    lines = (CORPUS / "odd" / "index.tsv").read_text(encoding="utf-8").splitlines()[1:]
    return [(name, reason) for name, _, reason in (line.partition("\t") for line in lines)]


@pytest.mark.parametrize(("name", "reason"), reasons())
def test_a_broken_export_gets_an_error_that_names_the_cause(corpus: Path, name: str, reason: str) -> None:
    compilation = compiled(corpus / "odd" / name)
    errors = {each.code for each in compilation.diagnostics if each.level == "error"}
    kind = reason.partition(":")[0].partition(",")[0]
    assert errors & CAUSES[kind]
    assert not errors & {"N8T901"}
    assert compilation.plan is None
