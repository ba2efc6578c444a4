"""SSH through the tenant's egress guard."""

import shlex
from collections.abc import Awaitable
from typing import TypeVar

from runtime.contract import NodeApiError, NodeError
from runtime.contract.capabilities import Ssh, SshResult
from runtime.hosts.temporal.capabilities.credentials import WorkerCredentials
from runtime.hosts.temporal.resources import WorkerResources
from runtime.platform import ssh
from runtime.platform.egress import EgressRefused
from runtime.values.streams import LongBytes
from schemas.task import Task

T = TypeVar("T")
_HOME = "~/"


class WorkerSsh(Ssh):
    """SSH of the task's tenant, by the credentials of its step."""

    def __init__(self, resources: WorkerResources, task: Task) -> None:
        self._resources, self._tenant = resources, task["meta"]["tenant"]
        self._credentials = WorkerCredentials(resources, task)

    async def execute(self, type_: str, command: str, folder: str, *, item: int = 0) -> SshResult:
        """In the folder, as n8n's client does it: by `cd` in front of the command."""
        home = folder.startswith(_HOME)
        place = '"$HOME"/' + shlex.quote(folder.removeprefix(_HOME)) if home else shlex.quote(folder)
        server = await self._credentials.get(type_, item)
        allow = await self._resources.egress_allow(self._tenant)
        done = await _told(ssh.execute(allow, server, f"cd {place} ; {command}"), item)
        return SshResult(done.code, done.signal, done.stdout, done.stderr)

    async def upload(self, type_: str, path: str, data: bytes | LongBytes, *, item: int = 0) -> None:
        """By SFTP."""
        server = await self._credentials.get(type_, item)
        allow = await self._resources.egress_allow(self._tenant)
        await _told(ssh.upload(allow, server, _below_home(path), data), item)

    async def download(self, type_: str, path: str, *, item: int = 0) -> bytes:
        """By SFTP."""
        server = await self._credentials.get(type_, item)
        allow = await self._resources.egress_allow(self._tenant)
        limit = self._resources.settings.payload_limit
        return await _told(ssh.download(allow, server, _below_home(path), limit), item)


def _below_home(path: str) -> str:
    """Return a path for SFTP, which begins in the user's home and knows no tilde."""
    return path.removeprefix(_HOME)


async def _told(work: Awaitable[T], item: int) -> T:
    try:
        return await work
    except EgressRefused as error:
        raise NodeApiError(str(error), http_code="EGRESS", item=item) from error
    except ssh.SshError as error:
        raise NodeError(str(error), item=item) from error


def provide(resources: WorkerResources, task: Task) -> WorkerSsh:
    """Return the SSH of a task."""
    return WorkerSsh(resources, task)
