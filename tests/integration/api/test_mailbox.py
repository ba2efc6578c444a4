"""Email Trigger (IMAP): what came since the last look starts a run, once, and is marked as read afterwards."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from api.dependencies import Dependencies
from tests.exports import export, node, set_
from tests.service import eventually

pytestmark = pytest.mark.usefixtures("worker")

YEARLY = {"item": [{"mode": "custom", "cronExpression": "0 0 1 1 *"}]}
MESSAGE = (
    "From: Ada <ada@example.com>\r\nTo: us@example.com\r\nSubject: {0}\r\nDate: Mon, 02 Mar 2026 10:00:00 +0100\r\n"
    "Message-ID: <{0}@example.com>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
    "Content-Type: text/plain\r\n\r\nhello {0}\r\n--b\r\nContent-Type: text/csv\r\n"
    "Content-Disposition: attachment; filename=a.csv\r\n\r\na,b\r\n--b--\r\n"
)


class Box:
    """An IMAP server with one mailbox, as far as a reader needs it."""

    def __init__(self) -> None:
        self.messages: dict[int, bytes] = {}
        self.read: set[int] = set()
        self.searched: list[str] = []

    def put(self, uid: int, subject: str) -> None:
        """A new message."""
        self.messages[uid] = MESSAGE.format(subject).encode()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        writer.write(b"* OK ready\r\n")
        while line := (await reader.readline()).decode().strip():
            tag, _, rest = line.partition(" ")
            verb = " ".join(rest.split()[:2]).upper() if rest.upper().startswith("UID") else rest.split()[0].upper()
            if verb == "LOGIN" and '"secret"' not in rest:
                writer.write(f"{tag} NO wrong password\r\n".encode())
            else:
                writer.write(self._answer(verb, rest) + f"{tag} OK done\r\n".encode())
            await writer.drain()
            if verb == "LOGOUT":
                break
        writer.close()

    def _answer(self, verb: str, rest: str) -> bytes:
        if verb == "CAPABILITY":
            return b"* CAPABILITY IMAP4rev1\r\n"
        if verb == "SELECT":
            return f"* {len(self.messages)} EXISTS\r\n".encode()
        if verb == "UID SEARCH":
            self.searched.append(rest.partition("SEARCH ")[2])
            low = int(listed[1]) if (listed := re.search(r"UID (\d+):", rest)) else 1
            uids = [uid for uid in self.messages if uid >= low and ("UNSEEN" not in rest or uid not in self.read)]
            return f"* SEARCH {' '.join(map(str, uids))}\r\n".encode()
        if verb == "UID FETCH":
            uid = int(rest.split()[2])
            raw = self.messages[uid]
            return f"* {uid} FETCH (UID {uid} BODY[] {{{len(raw)}}}\r\n".encode() + raw + b")\r\n"
        if verb == "UID STORE":
            self.read |= {int(each) for each in rest.split()[2].split(",")}
        return b""


@pytest.fixture
async def box(dependencies: Dependencies, loopback: None) -> AsyncIterator[Box]:
    """A mailbox, and a credential for it; the tenant may go there."""
    workflow = Box()
    server = await asyncio.start_server(workflow.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    credential = {"host": "127.0.0.1", "port": port, "secure": False, "user": "user", "password": "secret"}
    await dependencies.credentials.put("acme", "imap", "box", credential)
    yield workflow
    server.close()


async def test_new_messages_start_a_run(acme: httpx.AsyncClient, dependencies: Dependencies, box: Box) -> None:
    """The first look takes what is unread, the next what came after it."""
    box.put(7, "first")
    mail = node("Mail", "emailReadImap", 2, downloadAttachments=True, options={}, pollTimes=YEARLY)
    workflow = export(
        "Mails", mail | {"credentials": {"imap": {"id": "1", "name": "box"}}}, set_("Got", s="={{ $json.subject }}")
    )
    assert (await acme.post("/templates", params={"key": "mailbox"}, json=workflow)).status_code == 201

    async def runs(count: int) -> Any:
        listed = (await acme.get("/workflows", params={"template": "mailbox"})).json()["items"]
        return listed if [each["status"] for each in listed] == ["completed"] * count else None

    (run,) = await eventually(lambda: runs(1))
    item = (await acme.get(f"/workflows/{run['workflow_id']}/result")).json()["outputs"][0][0]
    assert item["json"] | {"metadata": None} == {
        "textHtml": "", "textPlain": "hello first", "metadata": None, "subject": "first", "from": "Ada <ada@example.com>",
        "to": "us@example.com", "date": "Mon, 02 Mar 2026 10:00:00 +0100", "attributes": {"uid": 7}, "s": "first",
    }  # fmt: skip
    assert item["json"]["metadata"]["message-id"] == "<first@example.com>"
    assert item["binary"]["attachment_0"]["fileName"] == "a.csv"
    assert box.read == set(), "not before the run has it"
    box.put(8, "second")
    await asyncio.sleep(1.1)  # Temporal names the runs of a schedule by the second
    await dependencies.temporal.get_schedule_handle("acme:mailbox:Mail:0").trigger()
    assert await eventually(lambda: runs(2))
    assert box.read == {7}
    assert box.searched == ["UNSEEN", "UNSEEN UID 8:*"]
    await acme.post("/templates/mailbox/deactivate")


@pytest.mark.parametrize(
    ("version", "parameters", "json", "searched"),
    [
        (1, {"format": "simple"}, {"textPlain": "hello first", "attributes": None}, "UNSEEN"),
        (2.2, {"format": "raw"}, {"raw": MESSAGE.format("first").partition("\r\n\r\n")[2]}, "UNSEEN SINCE"),
    ],
)
async def test_versions_differ(
    acme: httpx.AsyncClient,
    box: Box,
    version: float,
    parameters: dict[str, Any],
    json: dict[str, Any],
    searched: str,
) -> None:
    """Version 1 has no attributes, raw is the text without its header, and from 2.1 on mail of earlier days is left alone."""
    box.put(7, "first")
    mail = node("Mail", "emailReadImap", version, **parameters, options={}, pollTimes=YEARLY)
    key = f"mailbox-{version:g}".replace(".", "-")
    workflow = export("Mails", mail | {"credentials": {"imap": {"id": "1", "name": "box"}}})
    assert (await acme.post("/templates", params={"key": key}, json=workflow)).status_code == 201

    async def run() -> Any:
        listed = (await acme.get("/workflows", params={"template": key})).json()["items"]
        return listed[0] if [each["status"] for each in listed] == ["completed"] else None

    done = await eventually(run)
    item = (await acme.get(f"/workflows/{done['workflow_id']}/result")).json()["outputs"][0][0]
    assert {name: item["json"].get(name) for name in json} == json
    assert box.searched[0].startswith(searched)
    assert ("SINCE" in box.searched[0]) == (version > 2)
    await acme.post(f"/templates/{key}/deactivate")
