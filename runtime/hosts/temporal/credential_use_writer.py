"""Collect which credentials steps open, and write them together: a use costs a step no query."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from runtime.platform.telemetry.logging import get_logger
from service.credential_uses import CredentialUse

__all__ = ["CredentialUseWriter"]

log = get_logger("tempor8.worker")

MAX_WAITING: Final = 10_000
"""Uses that wait to be written. While Postgres is away further ones are counted, told in the log, and lost."""
GATHER_SECONDS: Final = 2.0
"""How long a use waits for others, and for the host of its request."""
MAX_TEXT: Final = 500
"""Characters of a name that are kept."""

_Key = tuple[str, str, str, str, str, str, bool]


class CredentialUseWriter:
    """A queue between the steps of a worker and Postgres.

    Args:
        write: writes uses of one tenant.
    """

    def __init__(self, write: Callable[[str, Sequence[CredentialUse]], Awaitable[None]]) -> None:
        self._write = write
        self._waiting: dict[_Key, CredentialUse] = {}
        self._lost = 0
        self._task: asyncio.Task[None] | None = None

    def note(
        self, tenant: str, type_: str, name: str, execution_id: str, node: str, host: str = "", *, refused: bool = False
    ) -> None:
        """Take a use, from the worker's event loop. A use with a host takes the place of the opening that it follows."""
        opened = (tenant, type_, name, execution_id, node, "", False)
        key = (tenant, type_, name, execution_id, node, host, refused)
        if host:
            self._waiting.pop(opened, None)
        known = self._waiting.get(key)
        if known is None and len(self._waiting) >= MAX_WAITING:
            self._lost += 1
            return
        now = datetime.now(UTC)
        use = CredentialUse(_kept(type_), _kept(name), _kept(execution_id), _kept(node), now, _kept(host), refused)
        self._waiting[key] = use if known is None else replace(known, times=known.times + 1)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="credential uses")

    async def close(self) -> None:
        """Write what waits; what cannot be written now is lost, and told in the log."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._flush()
        if self._waiting:
            log.warning("uses of credentials were lost", uses=len(self._waiting))

    async def _run(self) -> None:
        while self._waiting:
            await asyncio.sleep(GATHER_SECONDS)
            await self._flush()

    async def _flush(self) -> None:
        waiting, self._waiting = self._waiting, {}
        by_tenant: dict[str, dict[_Key, CredentialUse]] = {}
        for key, use in waiting.items():
            by_tenant.setdefault(key[0], {})[key] = use
        try:
            while by_tenant:
                tenant, uses = next(iter(by_tenant.items()))
                try:
                    await self._write(tenant, list(uses.values()))
                except Exception as error:  # noqa: BLE001 - a step does not depend on it, and other tenants' uses follow
                    self._keep(uses)
                    log.info("uses of credentials are not written yet", error=type(error).__name__, uses=len(uses))
                del by_tenant[tenant]
        finally:  # of one that is cancelled, also in the middle of a write, whose transaction then did not end
            for uses in by_tenant.values():
                self._keep(uses)
        if self._lost:
            log.warning("uses of credentials were lost", uses=self._lost)
            self._lost = 0

    def _keep(self, uses: dict[_Key, CredentialUse]) -> None:
        """Put uses back, as far as there is room."""
        for key, use in uses.items():
            newer = self._waiting.get(key)
            if newer is None and len(self._waiting) >= MAX_WAITING:
                self._lost += 1
            else:
                self._waiting[key] = use if newer is None else replace(use, times=use.times + newer.times)


def _kept(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\0", "")[:MAX_TEXT]
