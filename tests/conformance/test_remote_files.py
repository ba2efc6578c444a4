"""The FTP node does on a real server what n8n 2.41.1 did on one: a case a line in `remote_files/`.

`ftp.jsonl` and `sftp.jsonl` have the same questions; `ftp553.jsonl` those that matter to a server that says 553 where folders are
missing. Cases of a file run in order: some go on where another ended. Times of what a test wrote are left out, by SFTP its permissions too,
and the order of an SFTP list, which is that of the file system.
"""

import json
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Final

import pytest

from cli.testing.case import run_case
from cli.testing.compare import difference
from runtime.contract.capabilities import RemoteFiles, RemoteFolder
from runtime.hosts.local.offline import OfflineCapabilities
from runtime.platform.ftp_client import connect_ftp
from runtime.platform.ssh import connect_sftp
from tests.file_servers import fill, ftp_server, sftp_server

FOLDER: Final = Path(__file__).parent / "remote_files"
PASSWORD: Final = "pw"
LOOPBACK: Final = ("127.0.0.1/32",)
LIMIT: Final = 1 << 20
WRITTEN: Final = "2026-01-01T00:00:00.000Z"


class ServerFiles(RemoteFiles):
    """Sessions by one credential of a test."""

    def __init__(self, credential: Mapping[str, Any]) -> None:
        self._credential = credential

    def ftp(self, *, seconds: float = 10.0) -> AbstractAsyncContextManager[RemoteFolder]:
        """Connect to the server of the test."""
        return connect_ftp(LOOPBACK, self._credential, seconds=seconds, limit=LIMIT)

    def sftp(self, *, seconds: float = 10.0) -> AbstractAsyncContextManager[RemoteFolder]:
        """Connect to the server of the test."""
        return connect_sftp(LOOPBACK, self._credential, seconds=seconds, limit=LIMIT)


def cases_of(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


async def answer(case: Mapping[str, Any], protocol: str, credential: Mapping[str, Any]) -> dict[str, Any]:
    """Run the node of a case; return it as the cases have it."""
    start = {"id": "a", "name": "Start", "type": "n8n-nodes-base.manualTrigger", "typeVersion": 1, "position": [0, 0]}
    node = {
        "id": "b",
        "name": "E",
        "type": "n8n-nodes-base.ftp",
        "typeVersion": case["version"],
        "position": [200, 0],
        "parameters": {"protocol": protocol, **case["parameters"]},
        "credentials": {protocol: {"id": "1", "name": "c"}},
        **case.get("node", {}),
    }
    workflow = {
        "name": "Case",
        "nodes": [{**start, "parameters": {}}, node],
        "connections": {"Start": {"main": [[{"node": "E", "type": "main", "index": 0}]]}},
        "settings": {"executionOrder": "v1", "timezone": "UTC"},
    }
    files = ServerFiles({**credential, **case.get("credential", {})})
    question = {"workflow": workflow, "start": "Start", "mode": "trigger", "input": case["input"]}
    actual = await run_case(question, OfflineCapabilities(remote_files=files))
    run = (actual["nodes"].get("E") or [{}])[-1]
    error = actual["error"] or run.get("error")
    return {
        "status": actual["status"],
        "outputs": run.get("outputs"),
        "pairedItem": run.get("pairedItem"),
        "binary": run.get("binary"),
        "error": {key: error[key] for key in ("message", "description") if error.get(key)} if error else None,
    }


def comparable(value: Any, *, ordered: bool) -> Any:
    """Return outputs without what two runs on two servers cannot share."""
    if isinstance(value, dict):
        entry = {key: comparable(each, ordered=ordered) for key, each in value.items()}
        if entry.get("modifyTime") != WRITTEN or entry.get("type") == "d":
            for key in ("modifyTime", "longname", "size", *(("rights",) if "accessTime" in entry else ())):
                entry.pop(key, None)
        entry.pop("accessTime", None)
        return entry
    if not isinstance(value, list):
        return value
    values = [comparable(each, ordered=ordered) for each in value]
    listed = all(isinstance(each, dict) and "path" in each for each in values)
    return values if ordered or not listed else sorted(values, key=lambda each: str(each["path"]))


async def run_all(name: str, protocol: str, credential: Mapping[str, Any]) -> list[str]:
    """Return how each case differs from n8n's answer."""
    wrong = []
    for case in cases_of(name):
        expected, actual = case["expected"], await answer(case, protocol, credential)
        for key in ("status", "outputs", "pairedItem", "binary", "error"):
            ordered = protocol == "ftp"
            theirs, ours = (comparable(each.get(key), ordered=ordered) for each in (expected, actual))
            if (place := difference(theirs, ours)) is not None:
                wrong.append(f"{case['name']}: {key} {place}")
    return wrong


@pytest.mark.parametrize(("name", "other"), [("ftp", False), ("ftp553", True)])
async def test_ftp_does_what_n8n_did(tmp_path: Path, name: str, *, other: bool) -> None:
    fill(tmp_path)
    with ftp_server(tmp_path, PASSWORD, other=other) as credential:
        assert await run_all(name, "ftp", credential) == []


async def test_sftp_does_what_n8n_did(tmp_path: Path) -> None:
    fill(tmp_path)
    async with sftp_server(tmp_path, PASSWORD) as credential:
        assert await run_all("sftp", "sftp", credential) == []


@pytest.mark.parametrize("name", ["ftp", "ftp553", "sftp"])
def test_each_case_has_a_name_of_its_own(name: str) -> None:
    names = [case["name"] for case in cases_of(name)]
    assert len(set(names)) == len(names)
