"""Registers triggers at their vendors and removes them, as the rows of `service.registration_store` want it.

A loop of the worker, since it opens credentials. An error is kept in the row and tried again, later each time. What is
registered is looked at every quarter of an hour, and registered again when the vendor has lost it. One worker at a time works
for a tenant, by an advisory lock.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from runtime.expressions.v8 import evaluator_of
from runtime.hosts.exception_log import log_exception
from runtime.hosts.temporal.faults import is_fault
from runtime.interpreter.capabilities import HostCapabilities
from runtime.interpreter.registration_task import registration_task
from runtime.interpreter.task_runner import run_task
from runtime.platform.pg_locks import SessionLocks
from runtime.platform.postgres import Database
from runtime.platform.telemetry.logging import get_logger
from schemas.node import Catalog
from schemas.plan import Step
from service.background_loops import BackgroundLoop
from service.registration_store import Registration, RegistrationStore

__all__ = ["Registrar", "registration_error"]

T = TypeVar("T")
log = get_logger("tempor8.registrations")

POLL_SECONDS: Final = 2.0
TENANTS_PER_ROUND: Final = 50
ROWS_PER_TURN: Final = 20
TASK_SECONDS: Final = 120.0
"""For everything that a vendor is asked for one trigger."""
MAX_REMOVALS: Final = 5
"""Tries to remove a webhook, after which its row goes: the vendor then delivers to nobody, until it notices."""
GONE: Final = frozenset({"404", "410"})
NO_ADDRESS: Final = (
    "The vendor cannot be told where to deliver: set TEMPOR8_PUBLIC_URL of every API and worker to the address under which the "
    "API is reached from outside, such as https://automation.example.com"
)


_DOING: Final = {"activate": "register", "look": "look for", "deactivate": "remove"}
_ADVICE: Final = {
    "401": "Check the credential, or connect the account again.",
    "403": "Check what the credential may do at the vendor.",
    "404": "Check what the trigger's parameters name, and the credential.",
    "429": "The vendor takes no more requests for now.",
}
MAX_SAID: Final = 400
"""Characters of what a vendor said: a page of HTML does not push out what to do."""
_AGAIN: Final = "It is tried again by itself, later each time."


def registration_error(vendor: str, action: str, error: Mapping[str, Any]) -> str:
    """Return an error of a registration in words: vendor, operation, status, what was said, and what to do.

    Args:
        vendor: its name.
        action: see `register`.
        error: {message, description, httpCode}; only the message is always there.
    """
    status = str(error.get("httpCode") or "")
    said = ": ".join(str(error[name]) for name in ("message", "description") if error.get(name))
    code = f" (HTTP {status})" if status.isdecimal() else ""
    advice = " ".join(filter(None, (_ADVICE.get(status), _AGAIN)))
    return f"{vendor}: could not {_DOING[action]} the webhook{code}: {said[:MAX_SAID].rstrip('.')}. {advice}"


class _VendorError(Exception):
    """The vendor, or the trigger, refused."""


class Registrar:
    """Applies rows to vendors; `run` works until it is cancelled.

    Args:
        database: where the rows are.
        capabilities: of the tasks.
        catalog: of node types.
        base: the address below which webhooks are, as seen from outside; None: it is not known.
        lock_url: of the database, for the locks.
        serves: whether this worker is responsible for a tenant.
    """

    def __init__(
        self,
        database: Database,
        capabilities: HostCapabilities,
        catalog: Catalog,
        base: str | None,
        lock_url: str,
        serves: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._store, self._capabilities, self._catalog = RegistrationStore(database), capabilities, catalog
        self._base, self._serves, self._locks = base, serves, SessionLocks(lock_url)

    async def run(self, loop: BackgroundLoop) -> None:
        """Apply rows until cancelled."""
        try:
            while True:
                await self.apply()
                loop.complete_round()
                await asyncio.sleep(POLL_SECONDS)
        finally:
            await self.close()

    async def close(self) -> None:
        """Release every lock."""
        await self._locks.close()

    async def apply(self) -> None:
        """Apply every row whose turn it is, a few of each tenant.

        Raises:
            DatabaseUnavailable, psycopg.OperationalError, CredentialsUnavailable: a server does not answer.
        """
        for tenant in await self._store.due_tenants(TENANTS_PER_ROUND):
            if not self._serves(tenant):
                continue
            async with self._locks.hold(f"registrations of {tenant}") as locked:
                if not locked:
                    continue
                for row in await self._store.due(tenant, ROWS_PER_TURN):
                    await self._apply(tenant, row)
                await self._store.finish_turn(tenant)

    async def _apply(self, tenant: str, row: Registration) -> None:
        try:
            if row.wanted is None:
                await self._remove(tenant, row)
            elif row.applied is not None and row.applied_digest == row.wanted_digest:
                await self._look(tenant, row, row.wanted, row.applied)
            else:
                await self._register(tenant, row, row.wanted)
        except _VendorError as error:
            log.warning(
                "a trigger could not be registered", tenant=tenant, template=row.template, node=row.node,
                removing=row.wanted is None, error=str(error),
            )  # fmt: skip
            await self._store.note_error(tenant, row, str(error))

    async def _remove(self, tenant: str, row: Registration) -> None:
        if row.applied is not None and row.attempts < MAX_REMOVALS:
            await self._deactivate(tenant, row, row.applied)
        elif row.applied is not None:
            log.error(
                "a webhook stays at its vendor", tenant=tenant, template=row.template, node=row.node, error=row.error
            )
        await self._store.note_removed(tenant, row)

    async def _register(self, tenant: str, row: Registration, wanted: Mapping[str, Any]) -> None:
        if row.applied is not None:  # an earlier version: n8n removes it too before it registers the new one
            try:
                await self._deactivate(tenant, row, row.applied)
            except _VendorError as error:
                log.warning(
                    "a webhook stays at its vendor",
                    tenant=tenant,
                    template=row.template,
                    node=row.node,
                    error=str(error),
                )
        url = self._url(tenant, wanted)
        done = await self._ask(tenant, row, {**wanted, "url": url, "state": {}}, "activate")
        await self._store.note_applied(tenant, row, {**wanted, "url": url, "state": done["state"]})
        log.info("a trigger is registered", tenant=tenant, template=row.template, node=row.node, done=done["done"])

    async def _look(
        self, tenant: str, row: Registration, wanted: Mapping[str, Any], applied: Mapping[str, Any]
    ) -> None:
        """Register again what the vendor has lost, or has under an address that is no longer ours."""
        if applied["url"] != self._url(tenant, wanted):
            await self._register(tenant, row, wanted)
            return
        done = await self._ask(tenant, row, applied, "look")
        if done["done"] == "lost":
            done = await self._ask(tenant, row, applied, "activate")
            log.warning("a vendor had lost a webhook", tenant=tenant, template=row.template, node=row.node)
        await self._store.note_applied(tenant, row, {**applied, "state": done["state"]})

    async def _deactivate(self, tenant: str, row: Registration, applied: Mapping[str, Any]) -> None:
        done = await self._ask(tenant, row, applied, "deactivate")
        if done.get("error") and str(done.get("http_code")) not in GONE:
            raise _VendorError(done["error"])

    async def _ask(self, tenant: str, row: Registration, known: Mapping[str, Any], action: str) -> dict[str, Any]:
        """Call `register` of the trigger. Raise _VendorError."""
        step = Step.model_validate(known["step"])
        payload = {
            "action": action, "url": known["url"], "registration": known["word"], "node_id": step.id or step.name,
            "workflow_id": known["workflow_id"], "state": known["state"],
        }  # fmt: skip
        task = registration_task(step, tenant, f"{tenant}:{row.template}:registration", payload, time.time() * 1000)
        try:
            async with asyncio.timeout(TASK_SECONDS):
                result = await run_task(task, self._catalog, self._capabilities, evaluator_of(tenant), _Host())
        except TimeoutError:
            late = {"message": f"it took longer than {TASK_SECONDS:g} seconds"}
            raise _VendorError(registration_error(self._vendor(step), action, late)) from None
        if (error := result.get("error")) is not None:
            if action == "deactivate" and str(error.get("httpCode")) in GONE:
                return {"state": {}, "done": "removed"}
            raise _VendorError(registration_error(self._vendor(step), action, error))
        return dict(result["value"])

    def _vendor(self, step: Step) -> str:
        declared = self._catalog.find(step.type, step.version, step.parameters, step.subnodes)
        return str(getattr(getattr(declared, "descriptor", None), "name", step.type))

    def _url(self, tenant: str, wanted: Mapping[str, Any]) -> str:
        if self._base is None:
            raise _VendorError(NO_ADDRESS)
        return f"{self._base}/webhook/{tenant}/{wanted['path']}"


class _Host:
    """Implements `StepHost`: a server that is away is no error of the vendor."""

    def passes(self, error: Exception) -> bool:
        return is_fault(error)

    def log_exception(self, error: Exception, node: str) -> None:
        log_exception(log, error, node)

    async def on_thread(self, function: Callable[..., T], *args: Any) -> T:
        return await asyncio.to_thread(function, *args)

    def monotonic(self) -> float:
        return time.monotonic()
