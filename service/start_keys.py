"""Idempotency keys: which starts were accepted, for as long as their runs are stored and for the retention at least.

The row comes before the start, and the workflow id is made of the key, so every crash is safe: a row without a run is started
by the next request with the key, and two requests at once are one workflow id, which Temporal starts once.
"""

from runtime.platform.keys import Keyring, Purpose
from runtime.platform.postgres import Database
from service.errors import IdempotencyKeyReusedError
from service.execution_rows import ExecutionRow
from service.execution_store import ExecutionStore

__all__ = ["StartKeys"]


class StartKeys:
    """The accepted keys of all tenants.

    Args:
        database: where the rows are.
        keyring: makes digests of requests that say nothing about them.
    """

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database, self._keyring = database, keyring
        self._executions = ExecutionStore(database)

    def fingerprint(self, tenant: str, credentials: str) -> str:
        """Return a hash of a caller's credentials that nobody can make guesses with who lacks the master key."""
        return self._keyring.fingerprint(tenant, Purpose.START_KEY, credentials.encode()).hex()

    async def claim(self, tenant: str, template: str, key_digest: str, request: str) -> ExecutionRow | None:
        """Note a request and return the run that an earlier one with the key started, where it is in the tables already.

        Args:
            tenant: whose run.
            template: its key.
            key_digest: the last part of the run's workflow id.
            request: whatever tells two requests apart.

        Raises:
            IdempotencyKeyReusedError: the key belongs to another request.
            DatabaseUnavailable: nothing was noted; do not start.
        """
        digests = self._keyring.fingerprints(tenant, Purpose.START_KEY, request.encode())
        async with self._database.tenant_transaction(tenant) as connection:
            await connection.execute(
                "insert into start_keys (tenant_id, template_key, key_digest, request_digest) values (%s, %s, %s, %s)"
                " on conflict do nothing",
                (tenant, template, key_digest, digests[0]),
            )
            cursor = await connection.execute(  # a statement of its own: it sees the row of a request that was faster
                "select request_digest from start_keys where tenant_id = %s and template_key = %s and key_digest = %s",
                (tenant, template, key_digest),
            )
            row = await cursor.fetchone()
            if row is not None and bytes(row["request_digest"]) not in digests:
                raise IdempotencyKeyReusedError(
                    "This Idempotency-Key started another run of the template. Use a new key for a new request."
                )
            return await self._executions.get_within(connection, tenant, f"{tenant}:{template}:{key_digest}")
