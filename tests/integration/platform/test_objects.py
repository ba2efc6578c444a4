"""Payloads and files in an S3-compatible bucket: sealed there, shared, counted and collected as in Postgres."""

import uuid
from collections.abc import AsyncIterator, Iterator

import pytest

from runtime.platform.keys import Keyring
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from runtime.platform.storage.blobs import PIECE_BYTES, BlobMissing, BlobStore, BlobTooLarge
from runtime.platform.storage.objects import PayloadStoreUnavailable
from tests.integration.platform.bucket import Bucket
from tests.integration.platform.test_storage import chain, close, collect


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    """An empty one."""
    with Bucket() as opened:
        yield opened


@pytest.fixture
def blobs(bucket: Bucket, service: Settings, database: Database, keys: Keyring) -> BlobStore:
    """A store over it, as the settings make it."""
    bucket_settings = Settings.load(
        {
            "TEMPOR8_S3_BUCKET": "payloads", "TEMPOR8_S3_ENDPOINT": bucket.endpoint, "TEMPOR8_S3_ACCESS_KEY": "key",
            "TEMPOR8_S3_SECRET_KEY": "secret", "TEMPOR8_FILE_LIMIT": str(4 * PIECE_BYTES),
        }
    )  # fmt: skip
    names = ("s3_bucket", "s3_endpoint", "s3_access_key", "s3_secret_key", "file_limit")
    settings = service.model_copy(update={name: getattr(bucket_settings, name) for name in names})
    return BlobStore.of(settings, database, keys)


async def test_bytes_are_sealed_in_the_bucket_and_postgres_holds_none(
    bucket: Bucket, blobs: BlobStore, database: Database, tenants: tuple[str, str]
) -> None:
    """Equal ones once; another tenant's key opens nothing."""
    data = b"canary" * 1000 + uuid.uuid4().bytes
    address = await blobs.put(tenants[0], data, used_by=chain(tenants[0]))
    assert await blobs.put(tenants[0], data, used_by=chain(tenants[0])) == address
    assert await blobs.get(tenants[0], address) == data
    assert list(bucket.objects) == [f"/payloads/{tenants[0]}/{address}"]
    assert b"canary" not in b"".join(bucket.objects.values())
    assert bucket.signed
    with pytest.raises(BlobMissing):
        await blobs.get(tenants[1], address)
    async with database.tenant_transaction(tenants[0]) as connection:
        row = await (
            await connection.execute("select sealed, size from payloads where address = %s", (bytes.fromhex(address),))
        ).fetchone()
    assert row is not None
    assert (row["sealed"], row["size"]) == (None, len(data))


async def test_what_went_into_postgres_before_is_found(
    blobs: BlobStore, database: Database, keys: Keyring, tenants: tuple[str, str]
) -> None:
    """Moving to a bucket needs no copying."""
    data = uuid.uuid4().bytes * 100
    address = await BlobStore(database, keys).put(tenants[0], data, used_by=chain(tenants[0]))
    assert await blobs.get(tenants[0], address) == data


async def test_an_object_that_is_gone_is_a_missing_blob_and_a_bucket_that_is_down_is_waited_for(
    bucket: Bucket, blobs: BlobStore, database: Database, tenants: tuple[str, str]
) -> None:
    """The one fails the run, the other is tried again; nothing half-written is left."""
    address = await blobs.put(tenants[0], b"once" * 100, used_by=chain(tenants[0]))
    bucket.down = True
    with pytest.raises(PayloadStoreUnavailable, match="payloads"):
        await blobs.get(tenants[0], address)
    data = uuid.uuid4().bytes * 101
    with pytest.raises(PayloadStoreUnavailable):
        await blobs.put(tenants[0], data, used_by=chain(tenants[0]))
    bucket.down = False
    async with database.tenant_transaction(tenants[0]) as connection:
        count = await (await connection.execute("select count(*) from payloads where size = 1616")).fetchone()
    assert count == {"count": 0}
    bucket.objects.clear()
    with pytest.raises(BlobMissing, match=address):
        await blobs.get(tenants[0], address)


async def test_a_collection_takes_the_object_with_the_row(
    bucket: Bucket, blobs: BlobStore, database: Database, tenants: tuple[str, str]
) -> None:
    """And leaves those that are in use."""
    old, run = uuid.uuid4().bytes * 100, chain(tenants[0])
    address = await blobs.put(tenants[0], old, used_by=run)
    in_use = await blobs.put(tenants[0], uuid.uuid4().bytes * 100, used_by=chain(tenants[0]))
    await close(database, tenants[0], run, days_ago=40)
    assert await collect(blobs, tenants[0]) >= 1
    assert f"/payloads/{tenants[0]}/{address}" not in bucket.objects
    assert f"/payloads/{tenants[0]}/{in_use}" in bucket.objects


async def test_a_long_file_is_kept_in_pieces_and_read_in_pieces(
    bucket: Bucket, blobs: BlobStore, tenants: tuple[str, str]
) -> None:
    """Whatever the pieces are in which it comes; over the limit of files it is refused."""
    pattern = uuid.uuid4().bytes * 16  # another test's file would share its pieces
    data = pattern * (PIECE_BYTES // 100)

    async def coming(step: int) -> AsyncIterator[bytes]:
        for start in range(0, len(data), step):
            yield data[start : start + step]

    stored = await blobs.keep(tenants[0], coming(1_000_003), used_by=chain(tenants[0]))
    assert (stored.size, stored.head[:256]) == (len(data), pattern)
    assert await blobs.keep(tenants[0], data, used_by=chain(tenants[0])) == stored
    assert len(bucket.objects) == 3  # three pieces, of which two are equal, and their list
    sizes = [len(piece) async for piece in blobs.stream(tenants[0], stored.id)]
    assert max(sizes) == PIECE_BYTES
    assert await blobs.read(tenants[0], stored.id) == data
    nothing = await blobs.keep(tenants[0], b"", used_by=chain(tenants[0]))
    assert await blobs.read(tenants[0], nothing.id) == b""

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(PIECE_BYTES)

    with pytest.raises(BlobTooLarge, match="TEMPOR8_FILE_LIMIT"):
        await blobs.keep(tenants[0], endless(), used_by=chain(tenants[0]))
