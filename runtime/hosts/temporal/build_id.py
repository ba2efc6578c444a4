"""Which interpreter this is, in Temporal's terms: one deployment, one build per state of the code and what it stands on.

Runs go over to the current build by themselves (AUTO_UPGRADE), and not before: a worker of a build that is not current gets
no workflow tasks. That they can go over is what the replay gate proves (`docs/operations.md`).
"""

import hashlib
import re
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Final

from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import WorkerDeploymentConfig

__all__ = ["DEPLOYMENT", "build_id", "config"]

DEPLOYMENT: Final = "tempor8"
_ROOTS: Final = (Path(__file__).parents[2], Path(__file__).parents[3] / "schemas")
_CODE: Final = {".py", ".js"}
_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")


@cache
def build_id() -> str:
    """The version of the package, and a hash of its interpreter: our code, the JavaScript that V8 runs, and the versions of
    the libraries that we ask for (V8 itself is one).
    """
    found = hashlib.sha256()
    for root in _ROOTS:
        for path in sorted(each for each in root.rglob("*") if each.suffix in _CODE):
            found.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    for line in sorted(_libraries()):
        found.update(line.encode())
    return f"{_version('tempor8')}-{found.hexdigest()[:12]}"


def config() -> WorkerDeploymentConfig:
    """A worker of this build."""
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(deployment_name=DEPLOYMENT, build_id=build_id()),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
    )


def _libraries() -> list[str]:
    try:
        wanted = metadata.requires("tempor8") or []
    except metadata.PackageNotFoundError:  # run from a folder that is not installed
        return []
    names = {found.group() for each in wanted if "extra ==" not in each and (found := _NAME.match(each))}
    return [f"{name}=={_version(name)}" for name in names]


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "0"
