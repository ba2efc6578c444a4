"""Blobs: shared within a tenant, closed to others, and collected only when no run can need them."""

import asyncio
import dataclasses
import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.converter import StorageDriverActivityInfo, StorageDriverStoreContext
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from runtime.platform.keys import Keyring
from runtime.platform.postgres import Database
from runtime.platform.storage.blobs import BlobMissing, BlobStore, BlobTooLarge, PostgresStorageDriver
from runtime.platform.storage.uses import note_uses, references_in

RETENTION = timedelta(days=30)


async def collect(blobs: BlobStore, tenant: str, **known: datetime | bool | None) -> int:
    """Collect until nothing is due, and give the number of blobs that were deleted. `known`: runs of Temporal, by their last part."""

    async def run_end(workflow_id: str) -> datetime | bool | None:
        return known.get(workflow_id.rpartition(":")[2])

    collector, deleted = blobs.collector(run_end), 0
    while (page := await collector.collect_page(tenant, RETENTION))[0]:
        deleted += page[1]
    return deleted


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


async def used(database: Database, tenant: str, workflow_id: str, *, days_ago: int) -> None:
    """Make the uses of a run as old as that."""
    async with database.tenant_transaction(tenant) as connection:
        await connection.execute(
            "update payload_uses set used_at = now() - %s where workflow_id = %s",
            (timedelta(days=days_ago), workflow_id),
        )


async def uses_of(database: Database, tenant: str, address: str) -> list[str]:
    async with database.tenant_transaction(tenant) as connection:
        cursor = await connection.execute(
            "select workflow_id from payload_uses where address = %s order by 1", (bytes.fromhex(address),)
        )
        return [row["workflow_id"] for row in await cursor.fetchall()]


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
    await collect(blobs, tenant)
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
    assert await collect(blobs, tenant) >= 1
    assert await blobs.put(tenant, data, used_by=chain(tenant)) == address
    assert await blobs.get(tenant, address) == data


async def test_a_family_holds_each_others_blobs(blobs: BlobStore, database: Database, tenants: tuple[str, str]) -> None:
    """A child that nobody waits for outlives the run that made its file, and a parent the child that did."""
    tenant = tenants[0]
    for maker, alive in (("", "~1"), ("~1~2", ""), ("~1", "~2")):
        root = chain(tenant)
        address = await blobs.put(tenant, uuid.uuid4().bytes, used_by=f"{root}{maker}")
        await close(database, tenant, f"{root}{maker}", days_ago=60)
        await open_(database, tenant, f"{root}{alive}")
        await collect(blobs, tenant)
        assert await blobs.get(tenant, address)
        async with database.tenant_transaction(tenant) as connection:
            await connection.execute(
                "update workflow_executions set status = 'completed', closed_at = now() - interval '40 days' where id = %s",
                (f"{root}{alive}",),
            )
        await used(database, tenant, f"{root}{maker}", days_ago=40)
        await collect(blobs, tenant)
        with pytest.raises(BlobMissing):
            await blobs.get(tenant, address)


async def open_(database: Database, tenant: str, workflow_id: str) -> None:
    async with database.tenant_transaction(tenant) as connection:
        await connection.execute(
            "insert into workflow_executions (tenant_id, id, template_key, plan_hash, trigger_kind, status, started_at)"
            " values (%s, %s, 't', 'h', 'rest', 'running', now() - interval '60 days')",
            (tenant, workflow_id),
        )


@pytest.mark.parametrize(
    ("end", "stays"),
    [(None, False), (True, True), (timedelta(days=3), True), (timedelta(days=40), False)],
    ids=["unknown", "open", "closed lately", "closed long ago"],
)
async def test_a_run_that_is_in_no_table_is_asked_after(
    blobs: BlobStore, database: Database, tenants: tuple[str, str], end: timedelta | bool | None, *, stays: bool
) -> None:
    """Its row was deleted, or never written: its blobs neither leak nor are taken from it."""
    tenant, holder = tenants[0], chain(tenants[0])
    address = await blobs.put(tenant, uuid.uuid4().bytes, used_by=holder)
    await used(database, tenant, holder, days_ago=45)
    answer = datetime.now(UTC) - end if isinstance(end, timedelta) else end
    await collect(blobs, tenant, **{holder.rpartition(":")[2]: answer})
    assert bool(await uses_of(database, tenant, address)) is stays
    if not stays:
        with pytest.raises(BlobMissing):
            await blobs.get(tenant, address)


async def test_the_uses_of_a_shared_blob_do_not_pile_up(
    blobs: BlobStore, database: Database, tenants: tuple[str, str]
) -> None:
    """A blob that a young run uses stays, with that use alone."""
    tenant, data, young = tenants[0], uuid.uuid4().bytes, chain(tenants[0])
    address = ""
    for _ in range(5):
        old = chain(tenant)
        address = await blobs.put(tenant, data, used_by=old)
        await close(database, tenant, old, days_ago=50)
    await blobs.put(tenant, data, used_by=young)
    await collect(blobs, tenant)
    assert await uses_of(database, tenant, address) == [young]
    assert await blobs.get(tenant, address) == data


async def test_a_file_that_goes_along_to_another_run_is_held_with_all_its_pieces(
    blobs: BlobStore, database: Database, tenants: tuple[str, str]
) -> None:
    """A retry holds the files that it was given, a long file with all its pieces."""
    tenant, maker, heir = tenants[0], chain(tenants[0]), chain(tenants[0])
    short = await blobs.keep(tenant, uuid.uuid4().bytes, used_by=maker)
    long = await blobs.keep(tenant, uuid.uuid4().bytes * 300_000, used_by=maker)
    assert long.id.startswith("pieces:")
    state = {"items": [{"binary": {"a": {"id": short.id}, "b": {"id": long.id}}}], "gone": f"blob:{'0' * 64}"}
    references = references_in(json.dumps(state).encode())
    assert len(references) == 3
    await blobs.hold(tenant, references, used_by=heir)
    await close(database, tenant, maker, days_ago=60)
    await collect(blobs, tenant)
    assert len(await blobs.read(tenant, short.id)) == 16
    assert len(await blobs.read(tenant, long.id)) == 4_800_000


async def test_a_use_that_is_noted_during_a_collection_is_not_missed(
    blobs: BlobStore, database: Database, tenants: tuple[str, str]
) -> None:
    """Whoever notes a use first, holds the blob; the collection waits and looks again."""
    tenant, data, old, new = tenants[0], uuid.uuid4().bytes, chain(tenants[0]), chain(tenants[0])
    address = await blobs.put(tenant, data, used_by=old)
    await close(database, tenant, old, days_ago=60)
    async with database.tenant_transaction(tenant) as connection:
        noted = await note_uses(connection, tenant, [bytes.fromhex(address)], new)
        assert noted == {bytes.fromhex(address)}
        collecting = asyncio.create_task(collect(blobs, tenant))
        await asyncio.sleep(0.3)
        assert not collecting.done(), "it waits for the lock"
    await collecting
    assert await blobs.get(tenant, address) == data
    assert await uses_of(database, tenant, address) == [new]


async def test_two_collectors_and_many_writers_of_one_blob_lose_nothing(
    blobs: BlobStore, database: Database, tenants: tuple[str, str]
) -> None:
    """Whatever the order, who has stored a blob can read it."""
    tenant, data = tenants[0], uuid.uuid4().bytes
    for _ in range(5):
        old = chain(tenant)
        await blobs.put(tenant, data, used_by=old)
        await close(database, tenant, old, days_ago=60)
        puts = [blobs.put(tenant, data, used_by=chain(tenant)) for _ in range(4)]
        addresses = await asyncio.gather(*puts, collect(blobs, tenant), collect(blobs, tenant))
        assert await blobs.get(tenant, str(addresses[0])) == data


async def test_the_runs_of_a_deletion_leave_their_blobs_to_the_rest_of_the_family(
    blobs: BlobStore, database: Database, tenants: tuple[str, str]
) -> None:
    """A child of another template that stays has the items that its parent handed it; with the child they go, too."""
    tenant = tenants[0]
    parent = chain(tenant)
    child = f"{parent}~1"
    address = await blobs.put(tenant, uuid.uuid4().bytes, used_by=parent)
    for run in (parent, child):
        await close(database, tenant, run, days_ago=0)
    assert await blobs.forget_runs(tenant, [parent]) == 0
    assert await uses_of(database, tenant, address) == [child]
    async with database.tenant_transaction(tenant) as connection:
        await connection.execute("delete from workflow_executions where id = %s", (parent,))
    assert await blobs.forget_runs(tenant, [child]) == 1
    with pytest.raises(BlobMissing):
        await blobs.get(tenant, address)


async def test_a_use_that_is_noted_during_a_deletion_is_not_missed(
    blobs: BlobStore, database: Database, tenants: tuple[str, str]
) -> None:
    """The deletion waits for whoever notes a use, and sees it."""
    tenant, data = tenants[0], uuid.uuid4().bytes
    gone, other = chain(tenant), chain(tenant)
    address = await blobs.put(tenant, data, used_by=gone)
    async with database.tenant_transaction(tenant) as connection:
        await note_uses(connection, tenant, [bytes.fromhex(address)], other)
        deletion = asyncio.create_task(blobs.forget_runs(tenant, [gone]))
        await asyncio.sleep(0.3)
        assert not deletion.done()
    assert await deletion == 0
    assert await blobs.get(tenant, address) == data


async def test_a_large_heartbeat_belongs_to_the_run_of_its_activity(
    blobs: BlobStore, database: Database, tenants: tuple[str, str]
) -> None:
    """The SDK names the activity alone, whose id begins with the name of a node: an author may not choose a tenant by it."""
    run, environment, driver = chain(tenants[0]), ActivityEnvironment(), PostgresStorageDriver(blobs)
    environment.info = dataclasses.replace(environment.info, workflow_id=run)
    target = StorageDriverActivityInfo(id=f"{tenants[1]}:node:x#0#1#1", type="run_step", namespace="default")
    payload = Payload(data=uuid.uuid4().bytes)
    (claim,) = await environment.run(driver.store, StorageDriverStoreContext(target=target), [payload])
    assert claim.claim_data["tenant"] == tenants[0]
    assert await uses_of(database, tenants[0], claim.claim_data["address"]) == [run]
    with pytest.raises(ApplicationError, match="belongs to no run"):
        await driver.store(StorageDriverStoreContext(target=target), [payload])
