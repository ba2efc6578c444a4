"""The background loop that deletes templates and tenants: schedules, runs and their histories, payloads, credentials, rows.

Each pass begins at the first of these and finds what is left, so it does not matter where the one before ended. A run that
was being started while the request came is found by a later pass: the deletion ends only after `quiet`, when no process can
still have the version in memory.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest, ListWorkflowExecutionsRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from runtime.platform.credentials import CredentialMissing, CredentialStore
from runtime.platform.pg_locks import SessionLocks
from runtime.platform.postgres import Database
from runtime.platform.storage.blobs import BlobStore
from runtime.platform.telemetry.logging import get_logger
from schemas import names
from service.background_loops import BackgroundLoop
from service.deletion_store import Deletion, DeletionStore
from service.registration_store import RegistrationStore
from service.schedule_store import ScheduleStore
from service.scheduler import TemporalSchedules, lock_name
from service.template_cache import MAX_AGE_SECONDS

__all__ = ["QUIET", "Deleter"]

log = get_logger("tempor8.deletions")

POLL_SECONDS: Final = 5.0
"""Seconds between two looks for deletions."""
QUIET: Final = timedelta(seconds=MAX_AGE_SECONDS + 15)
"""Time after a request in which a start may still come from a process that missed the notification."""
REGISTRATIONS: Final = timedelta(hours=1)
"""How long a deletion waits for workers to remove webhooks at vendors; afterwards the vendors deliver to nobody."""
SLICE: Final = timedelta(seconds=20)
"""How long a tenant's deletion may take before it is the next tenant's turn."""
PAUSE: Final = timedelta(seconds=1)
MAX_PAUSE: Final = timedelta(minutes=5)
TENANTS_PER_ROUND: Final = 50
PAGE_SIZE: Final = 200
CONCURRENT_CALLS: Final = 16
RPC_TIMEOUT: Final = timedelta(seconds=10)


class Deleter:
    """Works off deletions; `run` goes on until it is cancelled. A lock gives each tenant to one process.

    Args:
        client: of Temporal.
        database: where the rows are.
        blobs: where the payloads are.
        credentials: where the credentials are, which may be Vault.
        queue_of: the task queue of a tenant's runs.
        lock_url: of the database, for the locks.
        quiet: see QUIET.
    """

    def __init__(
        self,
        client: Client,
        database: Database,
        blobs: BlobStore,
        credentials: CredentialStore,
        queue_of: Callable[[str], str],
        lock_url: str,
        quiet: timedelta = QUIET,
    ) -> None:
        self._client, self._blobs, self._credentials, self._quiet = client, blobs, credentials, quiet
        self._store, self._rows = DeletionStore(database), ScheduleStore(database)
        self._registrations = RegistrationStore(database)
        self._schedules = TemporalSchedules(client, self._rows, queue_of)
        self._locks = SessionLocks(lock_url)
        self._calls = asyncio.Semaphore(CONCURRENT_CALLS)

    async def run(self, loop: BackgroundLoop) -> None:
        """Delete until cancelled."""
        try:
            while True:
                await self.work(loop)
                loop.complete_round()
                await asyncio.sleep(POLL_SECONDS)
        finally:
            await self.close()

    async def close(self) -> None:
        """Release every lock."""
        await self._locks.close()

    async def work(self, loop: BackgroundLoop | None = None) -> None:
        """Go on with every deletion whose turn it is.

        Raises:
            DatabaseUnavailable, psycopg.OperationalError: Postgres does not answer.
        """
        for tenant in await self._store.due(TENANTS_PER_ROUND):
            async with self._locks.hold(f"deletions of {tenant}") as locked:
                if locked:
                    pauses = [await self._attempt(each) for each in await self._store.of_tenant(tenant)]
                    await self._store.postpone(tenant, min(pauses, default=PAUSE))
            if loop is not None:
                loop.complete_round()

    async def _attempt(self, deletion: Deletion) -> timedelta:
        """Do one pass, and return the pause before the next one. An error of one deletion stops no other."""
        try:
            return await self._pass(deletion)
        except Exception as error:  # whatever it is, it is shown with the deletion and tried again
            log.warning(
                "a deletion waits", tenant=deletion.tenant, template=deletion.template, error=type(error).__name__,
                exc_info=not isinstance(error, RPCError),
            )  # fmt: skip
            await self._store.note_error(deletion, f"{type(error).__name__}: {error}"[:1000])
            return min(MAX_PAUSE, PAUSE * (1 << min(deletion.attempts, 10)))

    async def _pass(self, deletion: Deletion) -> timedelta:
        until = datetime.now(UTC) + SLICE
        steps = (
            ("schedules", self._delete_schedules),
            ("registrations at vendors", self._await_registrations),
            ("runs", self._delete_runs),
            ("credentials", self._delete_credentials),
            ("rows", self._delete_rows),
        )
        for progress, step in steps:
            if progress != deletion.progress:
                await self._store.note_progress(deletion, progress)
            if not await step(deletion, until):
                return PAUSE
        left = deletion.requested_at + self._quiet - datetime.now(UTC)
        if left > timedelta(0):
            await self._store.note_waiting(deletion, "waiting for starts that were under way")
            return left
        await self._store.finish(deletion)
        log.info("deleted", tenant=deletion.tenant, template=deletion.template or None)
        return PAUSE

    async def _delete_schedules(self, deletion: Deletion, until: datetime) -> bool:
        """Delete schedules in Temporal and their rows; return whether none is left."""
        tenant = deletion.tenant
        async with self._locks.hold(lock_name(tenant)) as locked:
            if not locked:
                return False
            for row in await self._rows.rows(tenant):
                if row.spec is None and deletion.template in ("", row.template):
                    await self._schedules.remove(f"{tenant}:{row.id}")
                    await self._store.delete_schedule(tenant, row.id)
                if datetime.now(UTC) > until:
                    return False
            prefix = f"{tenant}:{deletion.template}:" if deletion.template else f"{tenant}:"
            wanted = {f"{tenant}:{row.id}" for row in await self._rows.rows(tenant)}
            for id_ in await self._schedules.marked(prefix):
                if id_ not in wanted:
                    await self._schedules.remove(id_, marked=True)
        return True

    async def _await_registrations(self, deletion: Deletion, until: datetime) -> bool:
        """Return whether workers have removed what was registered at vendors, or have had their time."""
        del until
        if datetime.now(UTC) - deletion.requested_at > REGISTRATIONS:
            return True
        return not await self._registrations.is_removing(deletion.tenant, deletion.template)

    async def _delete_runs(self, deletion: Deletion, until: datetime) -> bool:
        """Have Temporal delete runs, which terminates open ones, and delete their payloads; return whether all were seen.

        Temporal has noted a deletion when it answers, and carries it out within a minute.
        """
        query = f'{names.TENANT_ID} = "{deletion.tenant}"'
        if deletion.template:
            query += f' AND {names.TEMPLATE_KEY} = "{deletion.template}"'
        request = ListWorkflowExecutionsRequest(namespace=self._client.namespace, query=query, page_size=PAGE_SIZE)
        while True:
            page = await self._client.workflow_service.list_workflow_executions(
                request, retry=True, timeout=RPC_TIMEOUT
            )
            runs = [each.execution for each in page.executions]
            await asyncio.gather(*(self._delete_run(each) for each in runs))
            await self._forget_runs(deletion.tenant, [each.workflow_id for each in runs])
            if not page.next_page_token:
                return True
            if datetime.now(UTC) > until:
                return False
            request.next_page_token = page.next_page_token

    async def _delete_run(self, run: WorkflowExecution) -> None:
        request = DeleteWorkflowExecutionRequest(namespace=self._client.namespace, workflow_execution=run)
        async with self._calls:
            try:
                await self._client.workflow_service.delete_workflow_execution(request, timeout=RPC_TIMEOUT)
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise

    async def _forget_runs(self, tenant: str, ids: list[str]) -> None:
        if ids:
            await self._blobs.forget_runs(tenant, ids)
            await self._store.delete_runs(tenant, ids)

    async def _delete_credentials(self, deletion: Deletion, until: datetime) -> bool:
        """Delete a tenant's credentials, which may be in Vault; return whether none is left."""
        if deletion.template:
            return True
        for type_, name in await self._credentials.names(deletion.tenant):
            try:
                await self._credentials.delete(deletion.tenant, type_, name)
            except CredentialMissing:
                continue
            if datetime.now(UTC) > until:
                return False
        return True

    async def _delete_rows(self, deletion: Deletion, until: datetime) -> bool:
        """Delete payloads and rows; return whether none is left."""
        tenant, key = deletion.tenant, deletion.template
        if key:
            while ids := await self._store.runs_of_template(tenant, key):
                await self._forget_runs(tenant, ids)
                if datetime.now(UTC) > until:
                    return False
            await self._store.delete_template_rows(tenant, key)
            return True
        while await self._blobs.delete_all(tenant) + await self._store.delete_tenant_rows(tenant):
            if datetime.now(UTC) > until:
                return False
        return True
