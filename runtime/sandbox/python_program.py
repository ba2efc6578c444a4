"""The program that runs Python of Code nodes, behind the same walls as JavaScript's child."""

import shutil
import sysconfig
from pathlib import Path
from typing import Final

from runtime.confinement.children import program_path
from runtime.confinement.limits import ChildLimits
from runtime.sandbox.limits import CodeLimits

__all__ = ["python_program"]

_NAME: Final = "monty"
_LIMITS: Final = ChildLimits(memory_bytes=2 * CodeLimits().memory_mb << 20, cpu_seconds=3600, open_files=40)
"""Of one process, whatever a run may take: the interpreter itself counts a run's memory and time."""


def python_program() -> str:
    """Return the path of a program that is the interpreter's worker, confined. Raise FileNotFoundError."""
    beside = Path(sysconfig.get_path("scripts"), _NAME)
    found = str(beside) if beside.is_file() else shutil.which(_NAME)
    if found is None:
        raise FileNotFoundError(f"the program {_NAME!r} of pydantic-monty-runtime is not installed")
    return program_path([str(Path(found).resolve())], _LIMITS)
