"""Modules of capabilities: none is imported before it is used, but by a worker, which loads all when it starts."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]

SCRIPT = """
import sys
from runtime.hosts.capabilities import CapabilityHost
from runtime.hosts.temporal.resources import PACKAGE
from runtime.interpreter.capabilities import NAMES

def loaded():
    return {name for name in NAMES if f"{PACKAGE}.{name}" in sys.modules}

assert not loaded() & {"databases", "ssh", "remote_files", "mail"}, loaded()
CapabilityHost(PACKAGE, None).load_modules()
assert loaded() == NAMES, NAMES - loaded()
"""


def test_all_modules_are_loaded_at_once() -> None:
    """The first use of one would hold the loop of a worker for up to a fifth of a second."""
    child = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False, cwd=ROOT)
    assert child.returncode == 0, child.stderr
