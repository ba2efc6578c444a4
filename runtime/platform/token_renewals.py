"""Renewal of tokens that credentials keep: one for any number of steps, on any number of workers.

A worker that wants a new token holds the credential's row in `token_renewals` meanwhile, for a while at most; the others look
whether the credential has a new token. What the token server answers is stored before anybody uses it, by compare-and-set, so
that a worker which was too slow overwrites nothing. A refresh token that the server refused is not sent again for a while.
"""

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from runtime.platform.credentials import CredentialStore, StoredCredential
from runtime.platform.postgres import Database, TenantBusy
from runtime.platform.telemetry.logging import get_logger
from schemas.errors import InfrastructureError

__all__ = ["RenewalTimeout", "TokenRefused", "TokenRenewals", "TokenServerTimeout"]

log = get_logger("tempor8.token_renewals")

ASK_SECONDS: Final = 60.0
"""Seconds that a token server has."""
HOLD_SECONDS: Final = 90.0
"""Seconds after which a worker that renews a token counts as dead, longer than a token server has."""
WAIT_SECONDS: Final = 120.0
"""Seconds that a step waits for a token that somebody else renews, long enough for another worker to take over."""
KEEP_SECONDS: Final = 900.0
"""Seconds for which a new token is offered to a store that does not answer: it is nowhere else."""
REFUSED_SECONDS: Final = 60.0
"""Seconds for which a refresh token that was refused is not sent again."""
POLL_SECONDS: Final = 0.25
_AWAY: Final = (InfrastructureError, TenantBusy)
"""What a store raises that is away, lacks a key or has no connection: it may have one in a while."""

Key = tuple[str, str, str]
"""Tenant, type and name of a credential."""
Ask = Callable[[Mapping[str, Any]], Any]
"""Coroutine function from a credential's fields to its new `oauthTokenData`."""


class TokenRefused(Exception):
    """The token server refused the refresh token of this credential a moment ago, and nobody connected the account since."""


class TokenServerTimeout(Exception):
    """The token server does not answer in time."""


class RenewalTimeout(InfrastructureError):
    """Another worker renews the token and does not get it done in time. The step is tried again."""


@dataclass(frozen=True)
class _Held:
    key: Key
    holder: uuid.UUID


class TokenRenewals:
    """Renews tokens in a store. `token_of` returns the token data of a credential's fields, {} when there are none."""

    def __init__(
        self, database: Database, store: CredentialStore, token_of: Callable[[Mapping[str, Any]], dict[str, Any]]
    ) -> None:
        self._database, self._store, self._token_of = database, store, token_of
        self._renewing: dict[Key, asyncio.Task[Mapping[str, Any]]] = {}

    async def renew(self, key: Key, refused: str | None, ask: Ask) -> Mapping[str, Any]:
        """Return the credential's fields with another token than the refused one.

        Args:
            key: tenant, type and name.
            refused: the access token that a server refused; None: there was none.
            ask: returns new token data for the fields; the first of several callers is asked.

        Raises:
            TokenRefused: the server refused this refresh token before.
            RenewalTimeout: another worker renews it and is not done in time.
            CredentialMissing, InfrastructureError: the store.
            Exception: what `ask` raises.
        """
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            task = self._renewing.get(key)
            if task is None:
                task = self._renewing[key] = asyncio.create_task(self._renew(key, refused, ask))
                task.add_done_callback(lambda done: self._done(key, done))
            try:  # shielded: a step that is cancelled does not take the token of the others with it
                data = await asyncio.wait_for(asyncio.shield(task), max(0.0, deadline - time.monotonic()))
            except TimeoutError:
                raise _timeout(key) from None
            if self._access_token(data) != refused:  # unless it joined one that began before this token was refused
                return data

    async def close(self) -> None:
        """Wait until the tokens that are on their way are stored, for as long as a token server has."""
        if self._renewing:
            await asyncio.wait(self._renewing.values(), timeout=ASK_SECONDS)

    def _done(self, key: Key, task: asyncio.Task[Mapping[str, Any]]) -> None:
        self._renewing.pop(key, None)
        if not task.cancelled():
            task.exception()  # whoever waited has it; it may be that nobody did

    async def _renew(self, key: Key, refused: str | None, ask: Ask) -> Mapping[str, Any]:
        deadline, holder = time.monotonic() + WAIT_SECONDS, uuid.uuid4()
        while True:
            stored = await self._store.read(*key)
            if self._is_new(stored.data, refused):
                return stored.data
            if await self._hold(key, holder, stored.version):
                break
            if time.monotonic() > deadline:
                raise _timeout(key)
            await asyncio.sleep(POLL_SECONDS)
        refused_version = None
        try:
            stored = await self._store.read(*key)  # again: it may have been renewed just before
            if self._is_new(stored.data, refused):
                return stored.data
            try:
                token = await asyncio.wait_for(ask(stored.data), ASK_SECONDS)
            except TimeoutError:
                raise TokenServerTimeout(f"The token server did not answer within {ASK_SECONDS:g} s") from None
            except Exception as error:
                if getattr(error, "is_final", False):
                    refused_version = stored.version
                raise
            return await self._keep(_Held(key, holder), stored, token)
        finally:
            await self._release(key, holder, refused_version)

    async def _keep(self, held: _Held, asked: StoredCredential, token: Mapping[str, Any]) -> Mapping[str, Any]:
        """Store the new token. Somebody may change the credential meanwhile: other fields stay theirs, and so does a new account."""
        deadline, pause, stored = time.monotonic() + KEEP_SECONDS, POLL_SECONDS, asked
        while True:
            try:
                data = {**stored.data, "oauthTokenData": dict(token)}
                if await self._store.replace(*held.key, data, stored.version):
                    return data
                stored = await self._store.read(*held.key)
                if self._token_of(stored.data) not in (self._token_of(asked.data), token):
                    return stored.data
            except _AWAY as error:
                if time.monotonic() > deadline:
                    raise
                log.warning("a new token waits for the store", tenant=held.key[0], error=type(error).__name__)
                await asyncio.sleep(pause)
                pause = min(2 * pause, 10.0)
                await self._hold_on(held)

    async def _hold(self, key: Key, holder: uuid.UUID, version: str) -> bool:
        """Return whether this worker renews the token now. Raise TokenRefused."""
        async with self._database.tenant_transaction(key[0]) as connection:
            cursor = await connection.execute(
                "select 1 from token_renewals where tenant_id = %s and type = %s and name = %s"
                " and refused_version = %s and refused_at > now() - make_interval(secs => %s)",
                (*key, version, REFUSED_SECONDS),
            )
            if await cursor.fetchone() is not None:
                raise TokenRefused(
                    "The token server refused the refresh token a moment ago. Connect the account again."
                )
            cursor = await connection.execute(
                "insert into token_renewals as held (tenant_id, type, name, holder, held_until)"
                " values (%s, %s, %s, %s, now() + make_interval(secs => %s))"
                " on conflict (tenant_id, type, name)"
                " do update set holder = excluded.holder, held_until = excluded.held_until"
                " where held.holder is null or held.held_until < now()",
                (*key, holder, HOLD_SECONDS),
            )
            return cursor.rowcount == 1

    async def _hold_on(self, held: _Held) -> None:
        try:
            async with self._database.tenant_transaction(held.key[0]) as connection:
                await connection.execute(
                    "update token_renewals set held_until = now() + make_interval(secs => %s)"
                    " where tenant_id = %s and type = %s and name = %s and holder = %s",
                    (HOLD_SECONDS, *held.key, held.holder),
                )
        except _AWAY:  # nobody else can hold it meanwhile either
            pass

    async def _release(self, key: Key, holder: uuid.UUID, refused_version: str | None) -> None:
        try:
            async with self._database.tenant_transaction(key[0]) as connection:
                await connection.execute(
                    "update token_renewals set holder = null, refused_version = %s,"
                    " refused_at = case when %s::text is null then null else now() end"
                    " where tenant_id = %s and type = %s and name = %s and holder = %s",
                    (refused_version, refused_version, *key, holder),
                )
        except _AWAY as error:  # it is released when its time is over
            log.warning("a renewal is not released", tenant=key[0], error=type(error).__name__)

    def _is_new(self, data: Mapping[str, Any], refused: str | None) -> bool:
        return self._access_token(data) not in (None, refused)

    def _access_token(self, data: Mapping[str, Any]) -> str | None:
        token = self._token_of(data).get("access_token")
        return str(token) if token else None


def _timeout(key: Key) -> RenewalTimeout:
    return RenewalTimeout(
        f"The token of the credential {key[2]!r} ({key[1]}) is being renewed, and there is none after {WAIT_SECONDS:g} s"
    )
