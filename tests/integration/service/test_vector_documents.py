"""Documents with vectors: the nearest come first, a repeated attempt adds nothing, and no other tenant sees them."""

import uuid

import pytest

from runtime.platform.postgres import Database
from runtime.values.vectors import VectorLengthError
from service.vector_documents import TooManyDocumentsError, VectorDocumentStore

TEA = {"id": "0190b5a0-0000-4000-8000-000000000001", "document": {"pageContent": "tea"}, "vector": [1.0, 0.0]}
CUP = {"id": "0190b5a0-0000-4000-8000-000000000002", "document": {"pageContent": "cup"}, "vector": [0.6, 0.8]}


async def test_documents_come_nearest_first_and_once(database: Database, tenants: tuple[str, str]) -> None:
    store, key = VectorDocumentStore(database), uuid.uuid4().hex
    for _ in range(2):
        await store.add(tenants[0], key, [CUP, TEA], limit=10)
    found = await store.nearest(tenants[0], key, [2.0, 0.0], 5)
    assert [(document["pageContent"], round(score, 6)) for document, score in found] == [("tea", 1.0), ("cup", 0.6)]
    assert await store.nearest(tenants[1], key, [2.0, 0.0], 5) == []
    with pytest.raises(VectorLengthError, match="3 numbers"):
        await store.nearest(tenants[0], key, [1.0, 0.0, 0.0], 5)
    await store.clear(tenants[0], key)
    assert await store.nearest(tenants[0], key, [2.0, 0.0], 5) == []


async def test_a_store_that_would_be_too_large_stays_as_it_was(database: Database, tenants: tuple[str, str]) -> None:
    store, key = VectorDocumentStore(database), uuid.uuid4().hex
    await store.add(tenants[0], key, [TEA], limit=1)
    with pytest.raises(TooManyDocumentsError, match="2 documents; it may have 1"):
        await store.add(tenants[0], key, [CUP], limit=1)
    assert len(await store.nearest(tenants[0], key, [1.0, 0.0], 5)) == 1
