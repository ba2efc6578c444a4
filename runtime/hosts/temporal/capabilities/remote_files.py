"""File servers of tenants, through their egress guard."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

from runtime.contract import NodeApiError
from runtime.contract.capabilities import RemoteFiles, RemoteFolder
from runtime.hosts.temporal.capabilities.credentials import WorkerCredentials
from runtime.hosts.temporal.resources import WorkerResources
from runtime.platform.egress import EgressRefused
from runtime.platform.ftp_client import connect_ftp
from runtime.platform.ssh import connect_sftp
from schemas.task import Task


class _Connect(Protocol):
    def __call__(
        self, allow: Iterable[str], server: Mapping[str, Any], *, seconds: float, limit: int
    ) -> AbstractAsyncContextManager[RemoteFolder]: ...


class WorkerRemoteFiles(RemoteFiles):
    """File servers by the credentials of the task's step."""

    def __init__(self, resources: WorkerResources, task: Task) -> None:
        self._resources, self._tenant = resources, task["meta"]["tenant"]
        self._credentials = WorkerCredentials(resources, task)

    def ftp(self, *, seconds: float = 10.0) -> AbstractAsyncContextManager[RemoteFolder]:
        """By ftplib."""
        return self._session("ftp", connect_ftp, seconds)

    def sftp(self, *, seconds: float = 10.0) -> AbstractAsyncContextManager[RemoteFolder]:
        """By asyncssh."""
        return self._session("sftp", connect_sftp, seconds)

    @asynccontextmanager
    async def _session(self, type_: str, connect: _Connect, seconds: float) -> AsyncIterator[RemoteFolder]:
        server = await self._credentials.get(type_)
        allow = await self._resources.egress_allow(self._tenant)
        try:
            async with connect(allow, server, seconds=seconds, limit=self._resources.settings.payload_limit) as session:
                yield session
        except EgressRefused as error:
            raise NodeApiError(str(error), http_code="EGRESS") from error


def provide(resources: WorkerResources, task: Task) -> WorkerRemoteFiles:
    """Return the file servers of a task."""
    return WorkerRemoteFiles(resources, task)
