"""Workflow code reads no clock, randomness, environment, files, network or threads: a walk over what it imports.

Temporal runs workflow code again on its recorded history, and what comes out must be the same. The SDK's sandbox would refuse
such a read, but our modules are loaded outside it (`runtime/hosts/temporal/worker.py`).
"""

from pathlib import Path

import pytest

from runtime.catalog import CATALOG
from runtime.contract import Durable, Inline, SubNode, Trigger
from tests.architecture.determinism import THIRD_PARTY, reads

ROOT = Path(__file__).parents[2]
IN_WORKFLOW_CODE = (Inline, Durable, Trigger, SubNode)
"""Bases of nodes that workflow code runs, or binds to their parameters and asks (sub-nodes)."""
NODE_MODULES = sorted(
    {
        each.__module__
        for type_ in CATALOG.types()
        for each in CATALOG.shapes(type_)
        if issubclass(each, IN_WORKFLOW_CODE)
    }
)
INTERPRETER_MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for package in ("engine", "interpreter")
    for path in (ROOT / "runtime" / package).glob("*.py")
    if path.name != "__init__.py"
)
ADVICE = """
Workflow code is run again on its history. Take the time from `context.now`, randomness from `context.random`, and let an
Activity node, or a method that takes an `ActivityContext`, do the rest. A file with such an import at its top may hold
Activity classes only."""


@pytest.mark.parametrize("module", NODE_MODULES)
def test_a_node_of_workflow_code_reads_nothing_from_outside(module: str) -> None:
    found = [str(each) for each in reads(module, ROOT)]
    assert not found, "\n".join([*found, ADVICE])


@pytest.mark.parametrize("module", INTERPRETER_MODULES)
def test_the_engine_and_the_interpreter_read_nothing_from_outside(module: str) -> None:
    found = [str(each) for each in reads(module, ROOT)]
    assert not found, "\n".join([*found, ADVICE])


def test_the_workflow_reads_nothing_from_outside() -> None:
    """It asks Temporal. The catalogue imports node files by their names; each of them is looked at by itself."""
    packages = {**THIRD_PARTY, "temporalio": "the time, the randomness and the outcomes that the history holds"}
    found = list(reads("runtime.hosts.temporal.workflow", ROOT, packages, ends=frozenset({"runtime.catalog"})))
    assert not found, "\n".join(map(str, found))


def test_the_script_evaluator_is_handed_in() -> None:
    """What ends the closure is a Protocol and no exception: V8 itself would be reported."""
    assert any("imports subprocess" in str(each) for each in reads("runtime.expressions.v8", ROOT))


LIMIT = (ROOT / "runtime" / "nodes" / "limit.py").read_text(encoding="utf-8")

VIOLATIONS = {
    "a clock in a copy of Limit": ("import time\n" + LIMIT + "\nSTARTED = time.time()\n", "imports time"),
    "the same inside a function": ("def run():\n    import time\n    return time.time()\n", "imports time"),
    "a module imported by its name": ('import importlib\nimportlib.import_module("time")\n', "imports importlib"),
    "a builtin that imports": ('clock = __import__("time")\n', "__import__()"),
    "now through an alias of its class": ("from datetime import datetime as d\nx = d.now()\n", "datetime.datetime.now"),
    "now through an alias of its module": ("import datetime as d\nx = d.datetime.now()\n", "datetime.datetime.now"),
    "now under another name": ("from datetime import datetime\nc = datetime\nx = c.now()\n", "datetime.datetime.now"),
    "now as a value": ("from datetime import datetime\nclock = datetime.now\n", "datetime.datetime.now"),
    "now of a class that another module imported": ("from sample.clean import datetime\nx = datetime.now()\n", "datetime.now"),
    "the machine's time zone": ("def f(d):\n    return d.astimezone()\n", "astimezone() without a zone: the machine's"),
    "a moment in the machine's time zone": (
        "from datetime import datetime\nx = datetime.fromtimestamp(0)\n", "datetime.datetime.fromtimestamp() without a zone",
    ),
    "a file": ("TEXT = open('x').read()\n", "open()"),
    "a file by its path": ("from pathlib import Path\nTEXT = Path('x').read_text()\n", "pathlib.Path"),
    "a resource": ("from importlib import resources\n", "imports importlib"),
    "the environment": ("from os import environ\n", "imports os"),
    "randomness of the process": ("import random\nx = random.choice([1, 2])\n", "random.choice"),
    "a generator without a seed": ("import random\nx = random.Random()\n", "random.Random() without a seed"),
    "an id of the machine": ("import uuid\nx = uuid.uuid4()\n", "uuid.uuid4"),
    "secrets": ("import secrets\n", "imports secrets"),
    "a thread": ("import threading\n", "imports threading"),
    "a process": ("import subprocess\n", "imports subprocess"),
    "a socket": ("import socket\n", "imports socket"),
    "a request": ("import urllib.request\n", "imports urllib.request"),
    "a client library": ("import httpx\n", "imports httpx"),
    "an order that depends on time": ("import asyncio\nasync def f(a):\n    await asyncio.wait(a)\n", "asyncio.wait"),
    "a log": ("import logging\n", "imports logging"),
    "a hash that each process salts": ("x = hash('a')\n", "hash()"),
}  # fmt: skip


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """A package `sample`: `node` imports `middle`, which imports `clean`, which may be replaced."""
    package = tmp_path / "sample"
    package.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "node.py").write_text("from sample import middle\n", encoding="utf-8")
    (package / "middle.py").write_text("def late():\n    from sample.last import x\n    return x\n", encoding="utf-8")
    (package / "clean.py").write_text("from datetime import datetime\n", encoding="utf-8")
    for name in ("runtime", "schemas"):  # what a copy of a node imports is looked at elsewhere
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("name", VIOLATIONS)
def test_a_read_is_reported_with_the_way_to_it(name: str, sample: Path) -> None:
    """Two imports deep, the second of them inside a function."""
    source, what = VIOLATIONS[name]
    (sample / "sample" / "last.py").write_text(source, encoding="utf-8")
    found = list(reads("sample.node", sample))
    assert found, "nothing was reported"
    assert {each.chain for each in found} == {("sample.node", "sample.middle", "sample.last")}
    assert any(each.what.endswith(what) for each in found), [str(each) for each in found]
    assert str(found[0]).startswith("sample.node -> sample.middle -> sample.last:")


PURE = """
from typing import TYPE_CHECKING
from datetime import UTC, datetime
from random import Random
from uuid import uuid5
import asyncio

if TYPE_CHECKING:
    import socket

def run(context):
    moment = datetime.fromtimestamp(context.now / 1000, UTC).astimezone(UTC)
    return Random(context.seed()).random(), context.random.choice([1]), context.now, moment

async def send(context: ActivityContext):
    import time
    await asyncio.sleep(1)
    return time.time(), open("x")
"""


def test_what_is_given_and_what_activities_do_is_not_reported(sample: Path) -> None:
    """A seeded generator, a moment with a zone, types, and a method that only an activity can call."""
    (sample / "sample" / "last.py").write_text(PURE, encoding="utf-8")
    assert list(reads("sample.node", sample)) == []
