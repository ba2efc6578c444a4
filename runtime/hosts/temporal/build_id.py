"""Which interpreter this is, in Temporal's terms: one deployment, one build per state of the code and what it stands on.

A run is pinned to the build that it began on, so that no other code ever decides about its past. It goes over to the current
build by continuing as new, with its state and without its history (`docs/operations.md`).
"""

import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Final

from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import WorkerDeploymentConfig

__all__ = ["LIBRARIES", "SUFFIXES", "build_id", "config", "interpreter_files"]

_ROOTS: Final = (Path(__file__).parents[2], Path(__file__).parents[3] / "schemas")
_GENERATED: Final = "generated"
"""The folder of JSON Schemas below `schemas`: made from the declarations, and read by nothing that runs."""
SUFFIXES: Final = frozenset({".py", ".js", ".json", ".sql", ".yaml", ".yml"})
"""Endings of the interpreter's files: its code, and the data that it reads (specialists, descriptors)."""
LIBRARIES: Final = (
    "aiosmtplib",
    "asyncssh",
    "cryptography",
    "genai-prices",
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
    "pillow",
    "psycopg",
    "psycopg-pool",
    "pydantic",
    "pydantic-monty-client",
    "pymongo",
    "pymysql",
    "pypdf",
    "pyyaml",
    "redis",
    "referencing",
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


def config(deployment: str, build: str) -> WorkerDeploymentConfig:
    """Return the versioning of a worker of a build in a deployment."""
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(deployment_name=deployment, build_id=build),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.PINNED,
    )


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "0"
