"""Every node that workflow code runs, in the SDK's strict sandbox: a clock, randomness or a file fails the replay.

Workers run workflow code without the sandbox, which would load our modules again for each run. Here they are inside.
"""

import importlib.abc
import importlib.util
import json
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest

from runtime.catalog import CATALOG
from runtime.contract import Durable, Inline, Trigger
from runtime.integrations.vendor_question import VendorQuestion
from schemas.node import Node
from tests.replay.gate import faults
from tests.replay.occurrences import HISTORIES, nodes_that_ran
from tests.replay.strict_runner import strict_runner

pytestmark = pytest.mark.filterwarnings("ignore:Module .* was imported after initial workflow load")

IN_WORKFLOW_CODE = {
    each
    for type_ in CATALOG.types()
    for each in CATALOG.shapes(type_)
    # a remark is no step; a vendor's question is the base of all approvals, which Send Email has a history of
    if issubclass(each, (Inline, Durable, Trigger)) and not each.annotation and not issubclass(each, VendorQuestion)
}
HASHES = json.loads((Path(__file__).parent / "states.json").read_text("utf-8"))


def covering() -> list[Path]:
    """Few histories in which all of them run."""
    missing, chosen = set[type[Node]](IN_WORKFLOW_CODE), []
    ran = nodes_that_ran()
    while gained := max((found & missing for found in ran.values()), key=len):
        chosen.append(next(path for path, found in ran.items() if found & missing == gained))
        missing -= gained
    return chosen


def test_every_node_that_workflow_code_runs_is_in_a_history() -> None:
    """Inline, durable and trigger nodes, each class: what an earlier interpreter did with it is kept."""
    missing = IN_WORKFLOW_CODE - frozenset().union(*nodes_that_ran().values())
    assert not missing, (
        f"no history runs {sorted(f'{each.type} {each.versions}' for each in missing)}. Record one of its case: "
        "python -m tests.replay tests/conformance/cases/NAME.json"
    )


@pytest.mark.parametrize("path", covering(), ids=lambda path: path.stem)
async def test_a_node_replays_inside_the_strict_sandbox(path: Path) -> None:
    """Nothing is refused, and it comes to the same as outside."""
    assert await faults(path, HASHES, strict_runner()) == []


READS = {
    "a clock": ("import time", "time.time()", "time.time"),
    "randomness": ("import random", "random.random()", "random.random"),
    "an id": ("import uuid", "uuid.uuid4()", "uuid.uuid4"),
    "the environment": ("import os", "os.environ.get('HOME')", "os.environ"),
}


@pytest.mark.parametrize(("name", "read"), [("set", "a clock"), *(("limit", read) for read in READS)])
async def test_a_node_that_reads_from_outside_fails_in_it(name: str, read: str, doctored: "Doctored") -> None:
    """A line is put where the node begins to run; what workers do would not notice it."""
    statement, line, refused = READS[read]
    source = (Path(HISTORIES).parents[2] / "runtime" / "nodes" / f"{name}.py").read_text("utf-8")
    docstring, _, rest = source.partition("\n\n")
    head = "    def run(self, context: Context, items: Items) -> Outputs:\n"
    assert head in rest
    doctored.sources[f"runtime.nodes.{name}"] = (
        f"{docstring}\n{statement}\n{rest.replace(head, head + f'        {line}{chr(10)}')}"
    )
    path = HISTORIES / "nodes-that-reshape-items.json"
    (fault,) = await faults(path, HASHES, strict_runner())
    assert f"Cannot access {refused}" in fault


class Doctored(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Gives other sources of modules to whoever imports them anew."""

    def __init__(self) -> None:
        self.sources: dict[str, str] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """See MetaPathFinder."""
        del path, target
        return importlib.util.spec_from_loader(fullname, self) if fullname in self.sources else None

    def get_source(self, fullname: str) -> str:
        """See InspectLoader."""
        return self.sources[fullname]


@pytest.fixture
def doctored() -> Iterator[Doctored]:
    """A finder before all others, for the time of a test."""
    finder = Doctored()
    sys.meta_path.insert(0, finder)
    yield finder
    sys.meta_path.remove(finder)
