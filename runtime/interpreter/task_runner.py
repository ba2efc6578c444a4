"""Carry out a task: rebuild the step from its JSON, give it a context that reaches the world, and run it."""

import copy
from collections.abc import Awaitable, Callable, Mapping, Sequence
from email.message import EmailMessage
from typing import Any, Final, Protocol

from runtime.contract import Activity, Files, HttpResponse, Inline, NodeError, Store, SubNode
from runtime.interpreter.context import StepContext
from runtime.interpreter.parameters import Bound, Parameters
from runtime.interpreter.task_codec import decode, encode
from runtime.values.streams import LongBytes, StoredFile
from schemas.expression import Script
from schemas.item import BinaryRef, Items
from schemas.node import Catalog
from schemas.plan import OnError, Step
from schemas.task import Task, TaskResult

EVALUATE: Final = "evaluate expressions"
"""The method of a task that only evaluates scripts; no node has one of this name."""


class Services(Protocol):
    """The world as activities reach it. Each host brings its own."""

    async def http(self, task: Task, method: str, url: str, **options: Any) -> HttpResponse:
        """One request through the egress guard of the task's tenant."""

    async def credentials(self, task: Task, type_: str) -> Mapping[str, Any]:
        """The decrypted credential that the step names for this type. Raises NodeError."""

    async def read_binary(self, task: Task, ref: BinaryRef) -> bytes:
        """Stored bytes."""

    async def open_binary(self, task: Task, ref: BinaryRef) -> bytes | LongBytes:
        """The same, piece by piece when they are many."""

    async def write_binary(
        self, task: Task, data: bytes | LongBytes | StoredFile, mime_type: str | None, file_name: str | None
    ) -> BinaryRef:
        """Store bytes."""

    async def mail(
        self, task: Task, sender: str, recipients: Sequence[str], message: EmailMessage, *, verify: bool, item: int
    ) -> dict[str, Any]:
        """Send a message by the step's `smtp` credential. Raises NodeError."""

    async def mailbox(
        self, task: Task, name: str, criteria: str, *, after: int | None, mark: Sequence[int]
    ) -> list[tuple[int, bytes]]:
        """Read mail by the step's `imap` credential. Raises NodeError."""

    async def run_code(self, task: Task, language: str, code: str, mode: str, **options: Any) -> dict[str, Any]:
        """Run a Code node: {'value', 'static_data', 'custom_data', 'logs'}. Raises NodeError."""

    def files(self, task: Task) -> Files:
        """The folder of the task's tenant."""

    def heartbeat(self, *details: Any) -> None:
        """Tell the host that the task lives."""

    def progress(self) -> Sequence[Any]:
        """Details of the last heartbeat of an attempt that was cut off."""

    def log(self, event: str, **facts: Any) -> None:
        """A structured log line."""

    async def memory_load(self, task: Task, key: str, limit: int) -> list[dict[str, Any]]:
        """The last `limit` chat messages kept under a key of the tenant."""

    async def memory_append(self, task: Task, key: str, messages: Sequence[Mapping[str, Any]]) -> None:
        """Keep chat messages under a key of the tenant."""

    async def keep(self, task: Task, work: Callable[[Store], Awaitable[Any]]) -> Any:
        """Work on what the tenant keeps between runs, once for all attempts of the task."""

    async def service(self, task: Task, name: str, path: str, body: Any, timeout: float) -> HttpResponse | None:
        """POST JSON to a service of the operator (`local_model`, `agents`); None when there is none."""

    def resume_links(self, workflow_id: str) -> dict[str, str]:
        """`resume_url` and `resume_secret` of a run that was not started by the API."""

    token_limit: int


class TaskContext(StepContext):
    """Implements `ActivityContext`."""

    task: Task
    services: Services
    static_data: dict[str, Any]
    snapshot: Mapping[str, Any]
    logs: list[Any]
    usage: list[dict[str, Any]]

    async def http(self, method: str, url: str, **options: Any) -> HttpResponse:
        """One request; see ActivityContext."""
        return await self.services.http(self.task, method, url, **options)

    async def credentials(self, type_: str, i: int = 0) -> Mapping[str, Any]:
        """The decrypted credential of this type."""
        del i
        return await self.services.credentials(self.task, type_)

    async def read_binary(self, ref: BinaryRef) -> bytes:
        """The bytes behind a reference."""
        return await self.services.read_binary(self.task, ref)

    async def open_binary(self, ref: BinaryRef) -> bytes | LongBytes:
        """The bytes behind a reference, piece by piece when they are many."""
        return await self.services.open_binary(self.task, ref)

    async def write_binary(
        self, data: bytes | LongBytes | StoredFile, *, mime_type: str | None = None, file_name: str | None = None
    ) -> BinaryRef:
        """Store bytes."""
        return await self.services.write_binary(self.task, data, mime_type, file_name)

    async def mail(
        self, sender: str, recipients: Sequence[str], message: EmailMessage, *, verify: bool = True, item: int = 0
    ) -> dict[str, Any]:
        """Send by the `smtp` credential."""
        return await self.services.mail(self.task, sender, recipients, message, verify=verify, item=item)

    async def mailbox(
        self, name: str, criteria: str, *, after: int | None, mark: Sequence[int]
    ) -> list[tuple[int, bytes]]:
        """Read mail by the `imap` credential."""
        return await self.services.mailbox(self.task, name, criteria, after=after, mark=mark)

    async def run_javascript(self, code: str, *, mode: str, **options: Any) -> Any:
        """Run a Code node's JavaScript; its static data and custom data are kept."""
        return await self._code("javascript", code, mode, options)

    async def run_python(self, code: str, *, mode: str, **options: Any) -> Any:
        """Run a Code node's Python."""
        return await self._code("python", code, mode, options)

    async def _code(self, language: str, code: str, mode: str, options: Mapping[str, Any]) -> Any:
        result = await self.services.run_code(self.task, language, code, mode, **options)
        if result.get("static_data") is not None:
            self.static_data.clear()
            self.static_data.update(result["static_data"])
        self.custom_data.update(result.get("custom_data") or {})
        self.logs += result.get("logs") or []
        return result.get("value")

    async def evaluate_paged(self, path: tuple[str | int, ...], i: int, paged: Mapping[str, Any]) -> Any:
        """The compiled expression at this parameter path, with $pageCount, $request and $response set."""
        from runtime.expressions import evaluate_snapshot  # noqa: PLC0415 - only HTTP pagination needs V8 here

        step = Step.model_validate(self.task["step"])
        placed = next((each for each in step.expressions if each.at == path), None)
        if placed is None:
            return _dig(step.parameters, path)
        snapshot = dict(self.snapshot) | {"paged": dict(paged)}
        value = evaluate_snapshot([placed.expression], snapshot, i)[0]
        if isinstance(value, Exception):
            raise NodeError(getattr(value, "message", str(value)), item=i)
        return value

    @property
    def files(self) -> Files:
        """The folder of the tenant."""
        return self.services.files(self.task)

    def heartbeat(self, *details: Any) -> None:
        """Tell the host that the step lives."""
        self.services.heartbeat(*details)

    def progress(self) -> Sequence[Any]:
        """Details of the last heartbeat of an attempt that was cut off."""
        return self.services.progress()

    def log(self, event: str, **facts: Any) -> None:
        """A structured log line."""
        self.services.log(event, **facts)

    async def memory_load(self, key: str, limit: int) -> list[dict[str, Any]]:
        """Chat messages kept under a key of the tenant."""
        return await self.services.memory_load(self.task, key, limit)

    async def memory_append(self, key: str, messages: Sequence[Mapping[str, Any]]) -> None:
        """Keep chat messages under a key of the tenant."""
        await self.services.memory_append(self.task, key, messages)

    async def keep(self, work: Callable[[Store], Awaitable[Any]]) -> Any:
        """Work on what the tenant keeps between runs."""
        return await self.services.keep(self.task, work)

    async def service(self, name: str, path: str, body: Any, *, timeout: float = 300.0) -> HttpResponse | None:
        """A request to a service of the operator."""
        return await self.services.service(self.task, name, path, body, timeout)

    @property
    def token_limit(self) -> int:
        """Model tokens that one run of a step may use."""
        return self.services.token_limit


def _dig(value: Any, path: Sequence[str | int]) -> Any:
    for key in path:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _context(task: Task, step: Step, parameters: Parameters, services: Services) -> TaskContext:
    meta = task["meta"]
    context = TaskContext(
        name=step.name, version=step.version, inputs=task["inputs"], source=task["source"], run_index=task["run_index"],
        continue_on_fail=step.on_error is not OnError.STOP, memory=copy.deepcopy(task["memory"]), now=meta["now"],
        timezone=meta["timezone"], seed=lambda: meta["seed"], mode=meta["mode"], workflow=meta["workflow"],
        execution_id=meta["execution_id"], connected_outputs=meta["connected_outputs"],
        parents=[(name, type_) for name, type_ in meta["parents"]], parameters=parameters,
        resume_url=meta.get("resume_url", ""),
    )  # fmt: skip
    context.task, context.services = task, services
    context.static_data = copy.deepcopy(task.get("static_data") or {})
    context.snapshot = task.get("snapshot") or {}
    context.custom_data, context.logs, context.usage = {}, [], []
    return context


async def perform(task: Task, catalog: Catalog, services: Services) -> TaskResult:
    """Run a task. A node's error is part of the result; anything else that is raised is a fault of the worker."""
    step = Step.model_validate(task["step"])
    cls = catalog.find(step.type, step.version)
    if cls is None:
        return {"error": NodeError(f"Unrecognized node type: {step.type}").to_json()}
    columns, custom = _columns(task)
    if task.get("method") == EVALUATE:
        return {"columns": encode(columns), "custom_data": custom}  # type: ignore[typeddict-item]
    context = _context(task, step, Parameters(Bound(cls, step), columns), services)
    context.custom_data.update(custom)
    result: TaskResult = {}
    try:
        if "method" in task:
            node = context.parameters.at(task.get("item", 0))
            result["value"] = await getattr(node, task["method"])(context, task["payload"])
        else:
            result["outputs"] = await _run(context, task)
    except NodeError as error:
        result["error"] = error.to_json()
    if context.memory != task["memory"]:
        result["memory"] = context.memory
    if context.static_data != (task.get("static_data") or {}):
        result["static_data"] = context.static_data
    if context.custom_data:
        result["custom_data"] = context.custom_data
    if context.usage:
        result["usage"] = context.usage
    return result


def _columns(task: Task) -> tuple[list[list[Any]], dict[str, str]]:
    """The task's columns, with those of its scripts evaluated now; and `$execution.customData` that a script set."""
    columns = decode(task["columns"])
    if "scripts" not in task:
        return [column or [] for column in columns], {}
    from runtime.expressions import evaluate_scripts  # noqa: PLC0415 - V8, only where a script needs it

    scripts = [Script.model_validate(each) for each in task["scripts"]]
    made, custom = evaluate_scripts(scripts, task["script_data"], task["count"])
    given = iter(made)
    return [next(given) if column is None else column for column in columns], custom or {}


async def _run(context: TaskContext, task: Task) -> Any:
    node = context.parameters.node
    items: Items = next((each for each in task["inputs"] if each), [])
    if isinstance(node, Activity):
        return await node.run(context, items)  # type: ignore[arg-type]  # read-only members are dataclass fields here
    if isinstance(node, Inline):
        return node.run(context, items)  # type: ignore[arg-type]  # likewise
    if isinstance(node, SubNode) and hasattr(node, "run_tool"):
        return await node.run_tool(context, task.get("arguments") or {})
    raise NodeError(f"{type(node).__name__} is not a step that can be run by itself")
