"""The in-process host: `tempor8 test`, conformance, transient templates. Nothing survives the process, as in n8n."""

import asyncio
import base64
import random
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Final

from runtime.contract import (
    AwaitSignal,
    Files,
    HttpResponse,
    MissingCredential,
    NodeApiError,
    NodeError,
    StartChild,
    Store,
)
from runtime.hosts.local.data_store import MemoryStore
from runtime.interpreter.execution import Execution, RunInfo
from runtime.interpreter.task_runner import Services, perform
from runtime.platform.storage.files import TenantFiles
from runtime.platform.telemetry.logging import task_context
from runtime.values.binary import binary_ref
from runtime.values.streams import LongBytes, StoredFile
from schemas.item import BinaryRef, Items
from schemas.node import Catalog
from schemas.outcome import Finished
from schemas.plan import Kind, Plan, Step
from schemas.task import Task, TaskResult

FILES_OF: Final = "test"
"""The tenant of a run that has none."""
_MOST_BYTES: Final = 64 * 1024 * 1024


class OfflineServices:
    """The world of a test run: no network, no secrets, files inline in their items."""

    token_limit = 1_000_000

    def __init__(self, code: Any = None) -> None:
        self._code = code
        self._stores: defaultdict[str, MemoryStore] = defaultdict(MemoryStore)
        self._given: dict[str, Mapping[str, Any]] = {}
        self._folders: dict[str, Path] = {}

    async def http(self, task: Task, method: str, url: str, **options: Any) -> HttpResponse:
        """Nothing is sent."""
        del task, options
        raise NodeApiError(f"{method} {url}: this run is offline; pin the data of this node", http_code="ENETUNREACH")

    async def credentials(self, task: Task, type_: str) -> Mapping[str, Any]:
        """Those that the run was given; no other is there."""
        given = self._given.get(task["meta"]["execution_id"].partition(".")[0], {})
        if type_ in given:
            return given[type_]  # type: ignore[no-any-return]  # a case is JSON
        raise MissingCredential(f"Node '{task['step']['name']}' needs the credential {type_}, and this run is offline")

    async def read_binary(self, task: Task, ref: BinaryRef) -> bytes:
        """Files are inline."""
        del task
        return base64.b64decode(ref["data"])

    async def open_binary(self, task: Task, ref: BinaryRef) -> bytes | LongBytes:
        """Files are inline."""
        return await self.read_binary(task, ref)

    async def write_binary(
        self, task: Task, data: bytes | LongBytes | StoredFile, mime_type: str | None, file_name: str | None
    ) -> BinaryRef:
        """Files are inline."""
        del task
        if isinstance(data, LongBytes):
            data = b"".join([piece async for piece in data])
        assert isinstance(data, bytes)
        return binary_ref(data, mime_type, file_name)

    async def mail(
        self, task: Task, sender: str, recipients: Sequence[str], message: EmailMessage, *, verify: bool, item: int
    ) -> dict[str, Any]:
        """Offline runs send nothing."""
        del sender, recipients, message, verify
        raise NodeError(f"Node '{task['step']['name']}' sends mail, and this run is offline", item=item)

    async def mailbox(
        self, task: Task, name: str, criteria: str, *, after: int | None, mark: Sequence[int]
    ) -> list[tuple[int, bytes]]:
        """Offline runs read nothing."""
        del name, criteria, after, mark
        raise NodeError(f"Node '{task['step']['name']}' reads mail, and this run is offline")

    async def run_code(self, task: Task, language: str, code: str, mode: str, **options: Any) -> dict[str, Any]:
        """Run a Code node in the sandbox."""
        if self._code is None:
            from runtime.sandbox import CodeRunner  # noqa: PLC0415 - starts child processes

            self._code = CodeRunner()
        return await self._code.run(task, language, code, mode, **options)  # type: ignore[no-any-return]

    def files(self, task: Task) -> Files:
        """Those that the run was given; else there are none."""
        return TenantFiles(self._folders.get(task["meta"]["execution_id"].partition(".")[0]), FILES_OF, _MOST_BYTES)

    def resume_links(self, workflow_id: str) -> dict[str, str]:
        """Nobody can resume a run that is offline."""
        del workflow_id
        return {}

    def heartbeat(self, *details: Any) -> None:
        """Nobody watches."""

    def progress(self) -> Sequence[Any]:
        """There was no earlier attempt."""
        return ()

    def log(self, event: str, **facts: Any) -> None:
        """Quiet."""

    async def memory_load(self, task: Task, key: str, limit: int) -> list[dict[str, Any]]:
        """Nothing is remembered."""
        del task, key, limit
        return []

    async def memory_append(self, task: Task, key: str, messages: Sequence[Mapping[str, Any]]) -> None:
        """Nothing is remembered."""

    async def keep(self, task: Task, work: Callable[[Store], Awaitable[Any]]) -> Any:
        """Kept for the run and its sub-workflows; no attempt is cut off halfway."""
        root = task["meta"]["execution_id"].partition(".")[0]
        return await self._stores[root].within(work)

    def begin(self, execution_id: str, credentials: Mapping[str, Any], files: Path | None = None) -> None:
        """A run with made-up credentials by type, a folder of files, and empty tables: it is not to see what an earlier
        one kept.
        """
        self._stores.pop(execution_id, None)
        self._given[execution_id] = credentials
        if files is not None:
            self._folders[execution_id] = files
        else:
            self._folders.pop(execution_id, None)

    async def service(self, task: Task, name: str, path: str, body: Any, timeout: float) -> HttpResponse | None:
        """There is none."""
        del task, name, path, body, timeout
        return None


def _wall_clock() -> float:
    return time.time() * 1000


class LocalHost:
    """Carries one execution in this process."""

    replays = False

    def __init__(
        self,
        catalog: Catalog,
        services: Services,
        *,
        library: Callable[[Mapping[str, Any]], Plan | None] | None = None,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], Any] | None = None,
        info: RunInfo | None = None,
        depth: int = 0,
    ) -> None:
        self.catalog, self.services, self.library = catalog, services, library
        self.now = self.clock = clock or _wall_clock
        self._sleep = sleep or asyncio.sleep
        self.info = info or RunInfo()
        self.depth = depth
        self.response: dict[str, Any] | None = None
        self._random = random.Random()  # noqa: S311 - n8n's Math.random

    def seed(self) -> int:
        """Fresh every time."""
        return self._random.getrandbits(32)

    async def work(self, task: Task, kind: Kind) -> TaskResult:
        """Right here."""
        del kind
        with task_context(task):
            return await perform(task, self.catalog, self.services)

    async def sleep(self, seconds: float) -> None:
        """In this process."""
        await self._sleep(seconds)

    async def signal(self, step: str, run_index: int, command: AwaitSignal, ordinal: int | None = None) -> Any:
        """Nobody can resume a run that lives nowhere else; with a limit, time passes."""
        del run_index, ordinal
        if command.until is None:
            raise NodeError(f"'{step}' waits for a call from outside, which a local run cannot receive")
        await self._sleep(max(0.0, (command.until - self.now()) / 1000))
        return None

    async def child(self, step: str, command: StartChild) -> dict[str, Any]:
        """Run another workflow in this process."""
        del step
        plan = self.library(command.workflow) if self.library else None
        if plan is None:
            raise NodeError("Workflow does not exist.")
        host = LocalHost(
            self.catalog, self.services, library=self.library, clock=self.clock, sleep=self._sleep, depth=self.depth + 1
        )
        info = RunInfo(
            tenant=self.info.tenant, execution_id=f"{self.info.execution_id}.{self.depth + 1}", mode=str(command.mode)
        )
        execution, finished = await run_local(plan, host, info, command.items, prefer=command.kind)
        if host.response is not None:
            self.respond(host.response)
        return {
            "status": finished.status,
            "outputs": execution.result(),
            "error": finished.error,
            "execution_id": info.execution_id,
        }

    def respond(self, response: Mapping[str, Any]) -> None:
        """Keep the first response."""
        if self.response is None:
            self.response = dict(response)

    async def boundary(self, execution: Execution, step: str) -> None:
        """Nobody watches."""


async def run_local(
    plan: Plan, host: LocalHost, info: RunInfo, items: Items, *, start: Step | None = None, prefer: str | None = None
) -> tuple[Execution, Finished]:
    """Run a plan to its end in this process. `prefer` names the trigger kind to start at when `start` is not given."""
    host.info = info
    execution = Execution(plan, host.catalog, host, info)
    ended = execution.begin(items, step=start.name if start else None, prefer=prefer)
    return execution, ended or await execution.run()
