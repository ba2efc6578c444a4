"""The world as a worker's activities reach it: guarded HTTP, credentials, blobs, sandboxed code, chat memory."""

import base64
import hashlib
import json
import time
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any, Final

import httpx

from runtime.contract import HttpResponse, MissingCredential, NodeApiError, NodeError, Store
from runtime.hosts.temporal.activities import heartbeat, progress
from runtime.platform.credentials import CredentialMissing, CredentialStore
from runtime.platform.egress import EgressClients, EgressRefused
from runtime.platform.mail import MailError, receive
from runtime.platform.mail import send as send_mail
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from runtime.platform.storage.blobs import PIECES, BlobMissing, BlobStore, BlobTooLarge
from runtime.platform.storage.files import TenantFiles
from runtime.platform.telemetry.logging import get_logger
from runtime.sandbox import CodeRunner
from runtime.values.binary import INLINE_BYTES, binary_ref
from runtime.values.streams import LongBytes, StoredFile
from schemas.item import BinaryRef
from schemas.task import Task
from service.data_store import keep
from service.resume_keys import ResumeLinks

LONG: Final = 1024 * 1024
"""Bytes of a response from which on it goes into storage, where it is a file."""
MUTATING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
MEMORY_LIMIT: Final = 1000
EGRESS_PATIENCE: Final = 3.0
"""Seconds for which a tenant's egress entries are remembered."""

_log = get_logger(__name__)


class WorkerServices:
    """Implements `runtime.interpreter.task_runner.Services` for every tenant of a worker."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        credentials: CredentialStore,
        blobs: BlobStore,
        code: CodeRunner,
        links: ResumeLinks,
    ) -> None:
        self.settings, self.database, self.store, self.blobs, self.code = settings, database, credentials, blobs, code
        self.links = links
        self.token_limit = settings.tokens_per_step
        proxy = settings.egress_proxy.get_secret_value() if settings.egress_proxy else None
        self.clients = EgressClients(settings.egress_allow, proxy)
        self._own = httpx.AsyncClient(trust_env=False)
        self._egress: dict[str, tuple[float, tuple[str, ...]]] = {}

    async def close(self) -> None:
        """Close connections and child processes."""
        await self.clients.close()
        await self._own.aclose()
        await self.code.close()

    async def http(self, task: Task, method: str, url: str, **options: Any) -> HttpResponse:
        """One request through the tenant's egress guard, with an Idempotency-Key that is the same on every attempt."""
        tenant = task["meta"]["tenant"]
        headers = list(options.get("headers") or ())
        if method.upper() in MUTATING and not any(name.lower() == "idempotency-key" for name, _ in headers):
            headers.append(("Idempotency-Key", idempotency_key(task, options.get("item", 0))))
        client = await self.clients.get(
            tenant, await self._allowed(tenant), verify=options.get("verify", True), proxy=options.get("proxy"),
            certificate=options.get("certificate"),
        )  # fmt: skip
        content = options.get("content")
        if isinstance(content, LongBytes):
            headers.append(("Content-Length", str(len(content))))
        try:
            request = client.build_request(
                method, url, headers=headers, content=content, timeout=options.get("timeout", 300.0)
            )
            response = await client.send(request, stream=True, follow_redirects=options.get("follow_redirects", True))
            try:
                body, stored = await self._body(task, response, options.get("store"))
            finally:
                await response.aclose()
        except EgressRefused as error:
            raise NodeApiError(str(error), http_code="EGRESS") from error
        except httpx.TimeoutException as error:
            raise NodeApiError(
                f"timeout of {options.get('timeout', 300.0) * 1000:g}ms exceeded", http_code="ECONNABORTED"
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise NodeApiError(_failure(error, url), http_code=_code(error)) from error
        return HttpResponse(
            status=response.status_code,
            reason=response.reason_phrase,
            headers=list(response.headers.multi_items()),
            body=body,
            url=str(response.url),
            stored=stored,
        )

    async def _body(
        self, task: Task, response: httpx.Response, store: Callable[[int, Sequence[tuple[str, str]]], bool] | None
    ) -> tuple[bytes, StoredFile | None]:
        """The body, or where it is when it is long and the caller wants it stored. Raises NodeError for one that is too long."""
        pieces = response.aiter_bytes()
        first = bytearray()
        async for piece in pieces:
            first += piece
            if len(first) > LONG:
                break
        else:
            return bytes(first), None
        if store is not None and store(response.status_code, response.headers.multi_items()):
            return b"", await self._kept(task, _chained(bytes(first), pieces))
        async for piece in pieces:
            first += piece
            if len(first) > self.settings.payload_limit:
                raise NodeError(
                    f"The response is over the limit of {self.settings.payload_limit:,} bytes (TEMPOR8_PAYLOAD_LIMIT)",
                    description="Let the node put the response into a file: files may be larger, and are never held whole.",
                )
        return bytes(first), None

    async def _kept(self, task: Task, data: bytes | AsyncIterable[bytes]) -> StoredFile:
        meta = task["meta"]
        try:
            return await self.blobs.keep(meta["tenant"], data, used_by=meta["execution_id"])
        except BlobTooLarge as error:
            raise NodeError(error.message) from error

    async def _allowed(self, tenant: str) -> tuple[str, ...]:
        now = time.monotonic()
        held = self._egress.get(tenant)
        if held is None or now - held[0] > EGRESS_PATIENCE:
            async with self.database.tenant_transaction(tenant) as connection:
                cursor = await connection.execute("select egress_allow from tenants where id = %s", (tenant,))
                row = await cursor.fetchone()
            held = self._egress[tenant] = now, tuple(row["egress_allow"]) if row else ()
        return held[1]

    async def credentials(self, task: Task, type_: str) -> Mapping[str, Any]:
        """The credential that the step names for this type."""
        step = task["step"]
        reference = step["credentials"].get(type_)
        if reference is None:
            raise MissingCredential(f"Node '{step['name']}' has no credential of type {type_} set")
        name = reference.get("name") or reference.get("id") or ""
        try:
            return await self.store.get(task["meta"]["tenant"], type_, name)
        except CredentialMissing as error:
            raise MissingCredential(str(error)) from error

    async def read_binary(self, task: Task, ref: BinaryRef) -> bytes:
        """Inline bytes, or those of a blob of the tenant."""
        if "id" not in ref:
            return base64.b64decode(ref.get("data", ""))
        try:
            return await self.blobs.read(task["meta"]["tenant"], ref["id"])
        except BlobTooLarge as error:
            raise NodeError(
                f"The file {ref.get('fileName') or ref['id']} of {ref.get('fileSize')} is too large to be worked on: a step "
                f"may hold {self.settings.payload_limit:,} bytes (TEMPOR8_PAYLOAD_LIMIT)",
                description="HTTP Request and the file nodes move longer files, and the first rows of a CSV file can be taken; "
                "all else reads them whole.",
            ) from error
        except (BlobMissing, ValueError) as error:
            raise NodeError(f"The file {ref.get('fileName') or ref['id']} is gone from storage") from error

    async def open_binary(self, task: Task, ref: BinaryRef) -> bytes | LongBytes:
        """Long files piece by piece."""
        if not ref.get("id", "").startswith(PIECES):
            return await self.read_binary(task, ref)
        tenant, name = task["meta"]["tenant"], ref.get("fileName") or ref["id"]

        async def pieces() -> AsyncIterator[bytes]:
            try:
                async for piece in self.blobs.stream(tenant, ref["id"]):
                    yield piece
            except BlobMissing as error:
                raise NodeError(f"The file {name} is gone from storage") from error

        return LongBytes(int(ref.get("bytes") or 0), pieces, ref["id"])

    async def write_binary(
        self, task: Task, data: bytes | LongBytes | StoredFile, mime_type: str | None, file_name: str | None
    ) -> BinaryRef:
        """Small files ride in the item, larger ones are stored."""
        if isinstance(data, bytes) and len(data) <= INLINE_BYTES:
            return binary_ref(data, mime_type, file_name)
        stored = data if isinstance(data, StoredFile) else await self._kept(task, data)
        head = data if isinstance(data, bytes) else stored.head
        ref = binary_ref(head, mime_type, file_name, stored.size)
        ref["id"] = stored.id
        return ref

    async def mail(
        self, task: Task, sender: str, recipients: Sequence[str], message: EmailMessage, *, verify: bool, item: int
    ) -> dict[str, Any]:
        """Through the tenant's egress guard. The Message-ID is the same on every attempt, so that receivers know a repetition."""
        server, tenant = await self.credentials(task, "smtp"), task["meta"]["tenant"]
        domain = sender.rpartition("@")[2] or "localhost"
        message["Message-ID"] = f"<{idempotency_key(task, item)}@{domain}>"
        allow = (*self.settings.egress_allow, *await self._allowed(tenant))
        try:
            told = await send_mail(allow, server, sender, recipients, message.as_bytes(policy=SMTP), verify=verify)
        except EgressRefused as error:
            raise NodeApiError(str(error), http_code="EGRESS") from error
        except MailError as error:
            raise NodeError(str(error), item=item) from error
        return told | {"messageId": message["Message-ID"]}

    async def mailbox(
        self, task: Task, name: str, criteria: str, *, after: int | None, mark: Sequence[int]
    ) -> list[tuple[int, bytes]]:
        """Through the tenant's egress guard."""
        server, tenant = await self.credentials(task, "imap"), task["meta"]["tenant"]
        allow = (*self.settings.egress_allow, *await self._allowed(tenant))
        try:
            found = await receive(allow, server, name, criteria, after=after, mark=mark)
        except EgressRefused as error:
            raise NodeApiError(str(error), http_code="EGRESS") from error
        except MailError as error:
            raise NodeError(str(error)) from error
        return [(each.uid, each.raw) for each in found]

    async def run_code(self, task: Task, language: str, code: str, mode: str, **options: Any) -> dict[str, Any]:
        """A Code node in its child process."""
        return await self.code.run(task, language, code, mode, **options)

    def files(self, task: Task) -> TenantFiles:
        """The tenant's folder below TEMPOR8_FILES."""
        return TenantFiles(self.settings.files, task["meta"]["tenant"], self.settings.file_limit)

    def resume_links(self, workflow_id: str) -> dict[str, str]:
        """For a schedule's run."""
        return self.links.of(workflow_id)

    def heartbeat(self, *details: Any) -> None:
        """See `runtime.hosts.temporal.activities.heartbeat`."""
        heartbeat(*details)

    def progress(self) -> Sequence[Any]:
        """See `runtime.hosts.temporal.activities.progress`."""
        return progress()

    def log(self, event: str, **facts: Any) -> None:
        """A structured line."""
        _log.info(event, **facts)

    async def memory_load(self, task: Task, key: str, limit: int) -> list[dict[str, Any]]:
        """The last messages of a chat session of the tenant, oldest first."""
        tenant = task["meta"]["tenant"]
        async with self.database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select message from chat_memory where tenant_id = %s and session_key = %s order by sequence desc limit %s",
                (tenant, key, min(limit, MEMORY_LIMIT)),
            )
            return [row["message"] for row in reversed(await cursor.fetchall())]

    async def memory_append(self, task: Task, key: str, messages: Sequence[Mapping[str, Any]]) -> None:
        """Keep messages; one whose `id` is there already came from an attempt that was cut off."""
        tenant = task["meta"]["tenant"]
        async with self.database.tenant_transaction(tenant) as connection:
            for message in messages:
                await connection.execute(
                    "insert into chat_memory (tenant_id, session_key, message) select %s, %s, %s where not exists"
                    " (select 1 from chat_memory where tenant_id = %s and session_key = %s and message->>'id' = %s)",
                    (tenant, key, json.dumps(dict(message)), tenant, key, message.get("id")),
                )

    async def keep(self, task: Task, work: Callable[[Store], Awaitable[Any]]) -> Any:
        """One transaction; the result is kept beside what it did, so that no attempt does it again."""
        meta = task["meta"]
        return await keep(self.database, meta["tenant"], f"{meta['execution_id']}:{idempotency_key(task, 0)}", work)

    async def service(self, task: Task, name: str, path: str, body: Any, timeout: float) -> HttpResponse | None:
        """A service that the operator set up; it is ours, so the egress guard does not stand before it."""
        base = {"local_model": self.settings.local_model_url, "agents": self.settings.ai_agents_url}.get(name)
        if base is None:
            return None
        headers = {"X-Tenant-Id": task["meta"]["tenant"], "Idempotency-Key": idempotency_key(task, task.get("item", 0))}
        if name == "agents" and self.settings.ai_agents_token is not None:
            headers["Authorization"] = f"Bearer {self.settings.ai_agents_token.get_secret_value()}"
        try:
            response = await self._own.post(base.rstrip("/") + path, json=body, headers=headers, timeout=timeout)
        except httpx.HTTPError as error:
            raise NodeApiError(_failure(error, base), http_code=_code(error)) from error
        return HttpResponse(
            response.status_code, response.reason_phrase, list(response.headers.multi_items()), response.content
        )


async def _chained(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece


def idempotency_key(task: Task, item: int) -> str:
    """One key per request of a step run, equal on every attempt: chain, step, iteration, item, the request's ordinal, and
    for a tool which call of the model it answers.
    """
    meta = task["meta"]
    ordinals: dict[int, int] = meta.setdefault("ordinals", {})
    ordinal = ordinals[item] = ordinals.get(item, -1) + 1
    run = (meta.get("chain_id") or meta["execution_id"], task["step"]["name"], task["run_index"])
    parts = (*run, item, ordinal, task.get("method", ""), task.get("call", ""))
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _failure(error: Exception, url: str) -> str:
    text = str(error) or type(error).__name__
    host = url.split("/")[2] if url.count("/") >= 2 else url
    if "Name or service not known" in text or "nodename nor servname" in text or "No address" in text:
        return f"getaddrinfo ENOTFOUND {host}"
    if isinstance(error, httpx.ConnectError):
        return f"connect ECONNREFUSED {host}: {text}"
    return text


def _code(error: Exception) -> str:
    return "ECONNREFUSED" if isinstance(error, httpx.ConnectError) else type(error).__name__
