"""Which interpreter this is, in Temporal's terms: one deployment, one build per state of the code and what it stands on.

Runs go over to the current build by themselves (AUTO_UPGRADE), and not before: a worker of a build that is not current gets
no workflow tasks. That they can go over is what the replay gate proves (`docs/operations.md`).
"""

import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Final

from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import WorkerDeploymentConfig

__all__ = ["DEPLOYMENT", "LIBRARIES", "SUFFIXES", "build_id", "config", "interpreter_files"]

DEPLOYMENT: Final = "tempor8"
_ROOTS: Final = (Path(__file__).parents[2], Path(__file__).parents[3] / "schemas")
_GENERATED: Final = "generated"
"""The folder of JSON Schemas below `schemas`: made from the declarations, and read by nothing that runs."""
SUFFIXES: Final = frozenset({".py", ".js", ".json", ".sql", ".yaml", ".yml"})
"""Endings of the interpreter's files: its code, and the data that it reads (specialists, descriptors)."""
LIBRARIES: Final = (
    "aiosmtplib",
    "cryptography",
    "google-re2",
    "httpcore",
    "httpx",
    "hvac",
    "jinja2",
    "joserfc",
    "jsonschema",
    "mini-racer",
    "obstore",
    "orjson",
    "psycopg",
    "psycopg-pool",
    "pydantic",
    "pydantic-monty-client",
    "pypdf",
    "pyyaml",
    "requests",
    "structlog",
    "temporalio",
    "typing-extensions",
)
"""Distributions that the interpreter imports, V8 among them. What only the compiler, the API or a test imports changes no run.
`tests/architecture/test_build_id.py` compares the list with the imports.
"""


@cache
def build_id() -> str:
    """Return the version of the package, and a hash of its interpreter: code, data, and the versions of its libraries."""
    digest = hashlib.sha256()
    for name, path in interpreter_files(_ROOTS):
        digest.update(name.encode() + b"\0" + path.read_bytes())
    for name in LIBRARIES:
        digest.update(f"{name}=={_version(name)}".encode())
    return f"{_version('tempor8')}-{digest.hexdigest()[:12]}"


def interpreter_files(roots: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    """Yield the files that decide what a run does, with their paths below their root, in an order that is always the same."""
    for root in roots:
        for path in sorted(root.rglob("*")):
            name = path.relative_to(root)
            if path.suffix in SUFFIXES and name.parts[0] != _GENERATED:
                yield name.as_posix(), path


def config() -> WorkerDeploymentConfig:
    """A worker of this build."""
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(deployment_name=DEPLOYMENT, build_id=build_id()),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
    )


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "0"
