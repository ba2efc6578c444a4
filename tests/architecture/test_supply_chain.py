"""What is installed from elsewhere has a version and, where it can be, a hash."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
VERSIONED = re.compile(r"[^:@]+(:[0-9][\w.-]*)?(@sha256:[0-9a-f]{64})?")
"""`name:16`, `name:3.11-slim@sha256:...`, `name@sha256:...`: not `name` and not `name:latest`."""


def images() -> dict[str, str]:
    """Return each image that is fetched -> where it is named."""
    compose: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    built = {each["image"] for each in compose["services"].values() if "build" in each}
    found = {
        each["image"]: "compose.yaml"
        for each in compose["services"].values()
        if each.get("image") not in (None, *built)
    }
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    found |= dict.fromkeys(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE), "Dockerfile")
    return found


def is_versioned(image: str) -> bool:
    return VERSIONED.fullmatch(image) is not None and (":" in image.rpartition("/")[2] or "@" in image)


@pytest.mark.parametrize(("image", "place"), images().items())
def test_an_image_is_named_by_version_or_digest(image: str, place: str) -> None:
    assert is_versioned(image), f"{place}: {image}"


@pytest.mark.parametrize("image", ["postgres", "postgres:latest", "postgres:", "a/b", "postgres:edge"])
def test_an_image_that_may_be_another_tomorrow_is_noticed(image: str) -> None:
    assert not is_versioned(image)


def test_every_locked_package_has_hashes() -> None:
    lock = (ROOT / "uv.lock").read_text(encoding="utf-8")
    files = re.findall(r"^\s*(?:sdist = )?\{ url = .*$", lock, re.MULTILINE)
    assert len(files) > 500
    assert [each for each in files if 'hash = "sha256:' not in each] == []


@pytest.mark.parametrize("path", [".ci/uv.sh", "Dockerfile"])
def test_the_installer_itself_is_installed_by_hash(path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    installs = [line for line in text.splitlines() if "pip install" in line and not line.lstrip().startswith("#")]
    assert installs
    assert "--require-hashes" in text
    pins = (ROOT / ".ci" / "uv.txt").read_text(encoding="utf-8")
    assert re.search(r"^uv==[0-9.]+ \\\n    --hash=sha256:[0-9a-f]{64}", pins, re.MULTILINE)


def test_nothing_else_is_installed_from_a_registry_without_the_lock() -> None:
    """A `pip install NAME` in a workflow would fetch whatever is newest that day."""
    loose = [
        f"{path.name}: {line.strip()}"
        for path in (ROOT / ".github" / "workflows").glob("*.yml")
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"pip install(?! --quiet dist/)|npm install|curl .*\| *(ba)?sh", line)
    ]
    assert loose == []
