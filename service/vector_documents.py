"""Documents with vectors, of the Simple Vector Store, in Postgres."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from runtime.platform.postgres import Database
from runtime.values.vectors import nearest, pack, unpack
from service.columns import Columns

__all__ = ["TooManyDocumentsError", "VectorDocumentStore"]


class TooManyDocumentsError(Exception):
    """A store would have more documents than it may. The message has both numbers."""


class VectorDocumentStore:
    """Documents by tenant and store. The store's key is stored as a keyed hash of the tenant."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, tenant: str, key: str, documents: Sequence[Mapping[str, Any]], *, limit: int) -> None:
        """Add documents (`id`, `document`, `vector`), in place of those with the same id.

        Raise TooManyDocumentsError, DatabaseUnavailable: nothing was added.
        """
        columns = await Columns.of(self._database, tenant)
        keys = [*columns.digests(key), key]
        async with self._database.tenant_transaction(tenant) as connection:
            for each in documents:
                text = json.dumps({"document": each["document"], "vector": pack(each["vector"])})
                clear, sealed = columns.pair(("vector_documents", each["id"]), text)
                await connection.execute(
                    "insert into vector_documents (tenant_id, store_key, document_id, document, sealed)"
                    " values (%s, %s, %s, %s, %s) on conflict (tenant_id, store_key, document_id)"
                    " do update set document = excluded.document, sealed = excluded.sealed",
                    (tenant, keys[0], each["id"], clear, sealed),
                )
            cursor = await connection.execute(
                "select count(*) as n from vector_documents where tenant_id = %s and store_key = any(%s)",
                (tenant, keys),
            )
            row = await cursor.fetchone()
            if row is not None and row["n"] > limit:
                raise TooManyDocumentsError(f"The store would have {row['n']} documents; it may have {limit}")

    async def clear(self, tenant: str, key: str) -> None:
        """Remove all documents of a store. Raise DatabaseUnavailable."""
        columns = await Columns.of(self._database, tenant)
        async with self._database.tenant_transaction(tenant) as connection:
            await connection.execute(
                "delete from vector_documents where tenant_id = %s and store_key = any(%s)",
                (tenant, [*columns.digests(key), key]),
            )

    async def nearest(
        self, tenant: str, key: str, vector: Sequence[float], k: int
    ) -> list[tuple[dict[str, Any], float]]:
        """Return the nearest documents with their cosine similarity. Raise VectorLengthError, DatabaseUnavailable."""
        columns = await Columns.of(self._database, tenant)
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select document_id, document, sealed from vector_documents"
                " where tenant_id = %s and store_key = any(%s) order by sequence",
                (tenant, [*columns.digests(key), key]),
            )
            rows = await cursor.fetchall()
        await columns.load(row["sealed"] for row in rows)
        return await asyncio.to_thread(_nearest, columns, rows, vector, k)


def _nearest(
    columns: Columns, rows: Sequence[Mapping[str, Any]], vector: Sequence[float], k: int
) -> list[tuple[dict[str, Any], float]]:
    opened = (columns.json(("vector_documents", row["document_id"]), row["document"], row["sealed"]) for row in rows)
    return nearest(((each["document"], unpack(each["vector"])) for each in opened), vector, k)
