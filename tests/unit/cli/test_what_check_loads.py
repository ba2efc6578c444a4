"""`tempor8 check` starts quickly, since it loads what a compiler needs and nothing that a run needs."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from cli.main import COMPILING, VERBS
from tests.unit.compiler.making import export, node

EXPORTS: Final = Path(__file__).parents[3] / "n8n_exports"
COMPILER: Final = {
    "annotated_doc", "annotated_types", "orjson", "pydantic", "pydantic_core", "re2", "shellingham", "tree_sitter",
    "tree_sitter_javascript", "typer", "typing_extensions", "typing_inspection",
}  # fmt: skip
"""Libraries of the command line, of the models, and of expressions."""
OF_RUNS: Final = {"asyncio", "ssl", "multiprocessing", "sqlite3"}
"""Parts of Python's library that take long to load."""
PROGRAM: Final = """
import json, sys
from cli.main import main
try:
    main()
finally:
    files = {name.partition(".")[0]: getattr(module, "__file__", None) or "" for name, module in list(sys.modules.items())}
    installed = {name for name, file in files.items() if "site-packages" in file and not name.startswith("_")}
    print(json.dumps([sorted(installed), sorted(files)]), file=sys.stderr)
"""


def loaded(path: Path) -> tuple[set[str], set[str]]:
    """Return the installed packages, and all top-level modules, that a check of this file has loaded."""
    command = [sys.executable, "-c", PROGRAM, "check", "--fail-on", "never", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # ours
    installed, all_ = json.loads(done.stderr.splitlines()[-1])
    return set(installed), set(all_)


def test_an_export_of_core_nodes_loads_the_compiler_alone(tmp_path: Path) -> None:
    """No HTTP client, Temporal, database, web framework, YAML or event loop."""
    path = tmp_path / "core.json"
    fields = {"assignments": [{"id": "a", "name": "a", "type": "string", "value": "={{ $json.a.trim() }}"}]}
    path.write_text(json.dumps(export(node("Edit", "n8n-nodes-base.set", 3.4, parameters={"assignments": fields}))))
    installed, all_ = loaded(path)
    assert installed <= COMPILER
    assert not all_ & OF_RUNS


@pytest.mark.parametrize("name", ["ai_customer_onboarding", "amazon_spapi_sourcing"])
def test_an_export_with_vendors_and_agents_loads_their_descriptions_besides(name: str) -> None:
    """Descriptors and specialists are YAML, schedules have time zones; whatever sends requests or runs steps stays out."""
    installed, _ = loaded(EXPORTS / f"{name}.json")
    assert installed <= COMPILER | {"yaml", "tzdata"}


def test_verbs_that_compile_are_verbs() -> None:
    assert set(COMPILING) <= set(VERBS)
