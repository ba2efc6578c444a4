"""Blobs: shared within a tenant, closed to others, and collected only when no run can need them."""

import asyncio
import uuid
from datetime import timedelta

import pytest

from runtime.platform.keys import Keyring
from runtime.platform.postgres import Database
from runtime.platform.storage.blobs import BlobMissing, BlobStore, BlobTooLarge

NOW = timedelta(0)


def chain(tenant: str) -> str:
    return f"{tenant}:t:{uuid.uuid4()}"


async def close(database: Database, tenant: str, workflow_id: str, *, days_ago: int) -> None:
    """What the projector writes when a run ends."""
    async with database.tenant_transaction(tenant) as connection:
        await connection.execute(
            "insert into workflow_executions (tenant_id, id, template_key, plan_hash, trigger_kind, status, started_at,"
            " closed_at) values (%(tenant)s, %(id)s, 't', 'h', 'rest', 'completed', now() - %(age)s, now() - %(age)s)",
            {"tenant": tenant, "id": workflow_id, "age": timedelta(days=days_ago)},
        )
        await connection.execute(
            "update payload_uses set used_at = now() - %s where workflow_id = %s",
            (timedelta(days=days_ago), workflow_id),
        )


async def age(database: Database, tenant: str, address: str, *, days: int) -> None:
    async with database.tenant_transaction(tenant) as connection:
        await connection.execute(
            "update payloads set created_at = now() - %s where address = %s",
            (timedelta(days=days), bytes.fromhex(address)),
        )


async def test_equal_bytes_of_a_tenant_are_one_blob_and_of_two_tenants_two(
    blobs: BlobStore, tenants: tuple[str, str]
) -> None:
    data = uuid.uuid4().bytes * 10_000
    first = await blobs.put(tenants[0], data, used_by=chain(tenants[0]))
    assert await blobs.put(tenants[0], data, used_by=chain(tenants[0])) == first
    other = await blobs.put(tenants[1], data, used_by=chain(tenants[1]))
    assert other != first
    assert await blobs.get(tenants[0], first) == data
    with pytest.raises(BlobMissing, match=first):
        await blobs.get(tenants[1], first)


async def test_many_writers_of_one_blob_do_not_disturb_each_other(blobs: BlobStore, tenants: tuple[str, str]) -> None:
    data = uuid.uuid4().bytes * 1000
    addresses = await asyncio.gather(*(blobs.put(tenants[0], data, used_by=chain(tenants[0])) for _ in range(30)))
    assert len(set(addresses)) == 1


async def test_a_blob_over_the_limit_is_refused_with_both_sizes(
    database: Database, keys: Keyring, tenants: tuple[str, str]
) -> None:
    with pytest.raises(BlobTooLarge, match=r"2,000 bytes is over the limit of 1,024"):
        await BlobStore(database, keys, limit=1024).put(tenants[0], b"x" * 2000, used_by=chain(tenants[0]))


@pytest.mark.parametrize(
    ("closed", "stays"),
    [([40], False), ([20], True), ([None], True), ([40, None], True), ([40, 20], True), ([40, 50], False)],
    ids=["long closed", "lately closed", "open", "one open", "one lately", "both long closed"],
)
async def test_a_blob_is_collected_when_every_chain_that_holds_it_is_long_closed(
    blobs: BlobStore, database: Database, tenants: tuple[str, str], closed: list[int | None], *, stays: bool
) -> None:
    tenant, data = tenants[0], uuid.uuid4().bytes
    chains = [chain(tenant) for _ in closed]
    address = ""
    for holder in chains:
        address = await blobs.put(tenant, data, used_by=holder)
    for holder, days in zip(chains, closed, strict=True):
        if days is not None:
            await close(database, tenant, holder, days_ago=days)
    await age(database, tenant, address, days=60)
    await blobs.collect(tenant, retention=timedelta(days=30))
    if stays:
        assert await blobs.get(tenant, address) == data
    else:
        with pytest.raises(BlobMissing):
            await blobs.get(tenant, address)


async def test_a_collected_blob_can_be_put_again(
    blobs: BlobStore, database: Database, tenants: tuple[str, str]
) -> None:
    tenant, data, holder = tenants[0], uuid.uuid4().bytes, chain(tenants[0])
    address = await blobs.put(tenant, data, used_by=holder)
    await close(database, tenant, holder, days_ago=60)
    await age(database, tenant, address, days=60)
    assert await blobs.collect(tenant, retention=timedelta(days=30)) >= 1
    assert await blobs.put(tenant, data, used_by=chain(tenant)) == address
    assert await blobs.get(tenant, address) == data
