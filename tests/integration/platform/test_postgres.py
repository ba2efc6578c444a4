"""The pool and the migrations on a real server."""

import asyncio
import time
from pathlib import Path

import psycopg
import pytest

from runtime.platform.embedded import EmbeddedProfile
from runtime.platform.migrate import FOLDER, MigrationError, migrate, migrations, pending
from runtime.platform.postgres import Database, DatabaseUnavailable
from tests.patience import PATIENCE


@pytest.fixture
def empty(embedded: EmbeddedProfile, request: pytest.FixtureRequest) -> str:
    """The owner's address of an empty database of the test's own."""
    admin = embedded.addresses.database_admin_url
    assert admin is not None
    name = f"m{abs(hash(request.node.name)):x}"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'create database "{name}"'.encode())
    return f"{admin.rpartition('/')[0]}/{name}"


def test_the_migrations_are_numbered_without_gaps() -> None:
    assert [migration.number for migration in migrations()] == list(range(1, len(migrations()) + 1))


async def test_a_migrated_database_has_nothing_pending(database: Database) -> None:
    assert await pending(database) == []


async def test_ten_starters_at_once_apply_each_migration_once(empty: str) -> None:
    applied = await asyncio.gather(*(asyncio.to_thread(migrate, empty) for _ in range(10)))
    assert sorted(len(each) for each in applied) == [0] * 9 + [len(migrations())]
    assert await asyncio.to_thread(migrate, empty) == []


def test_a_changed_migration_is_refused(empty: str, tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").write_text("create table a (x int)", "utf-8")
    migrate(empty, folder=tmp_path)
    (tmp_path / "0001_a.sql").write_text("create table a (y int)", "utf-8")
    with pytest.raises(MigrationError, match="0001_a was changed after it was applied"):
        migrate(empty, folder=tmp_path)


def test_a_database_of_a_newer_version_is_refused(empty: str, tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"000{number}_a.sql").write_text(f"create table a{number} (x int)", "utf-8")
    migrate(empty, folder=tmp_path)
    (tmp_path / "0002_a.sql").unlink()
    with pytest.raises(MigrationError, match="0002, which this version does not know"):
        migrate(empty, folder=tmp_path)


def test_a_failing_migration_leaves_nothing_and_the_ones_before_it_stay(empty: str, tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").write_text("create table a (x int)", "utf-8")
    (tmp_path / "0002_b.sql").write_text("create table b (x int); select 1/0", "utf-8")
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(empty, folder=tmp_path)
    (tmp_path / "0002_b.sql").write_text("create table b (x int)", "utf-8")
    assert [each.name for each in migrate(empty, folder=tmp_path)] == ["b"]


def test_a_migration_outside_a_transaction_runs_statement_by_statement_and_again_after_a_failure(
    empty: str, tmp_path: Path
) -> None:
    """An index that is built concurrently is in no transaction; what was done before a failure is done again."""
    begin = "-- migrate: no transaction\n"
    (tmp_path / "0001_a.sql").write_text("create table a (x int); insert into a values (1), (1)", "utf-8")
    build = "drop index concurrently if exists a_x;\ncreate unique index concurrently a_x on a (x);\n"
    (tmp_path / "0002_b.sql").write_text(begin + build, "utf-8")
    with pytest.raises(psycopg.errors.UniqueViolation):
        migrate(empty, folder=tmp_path)
    with psycopg.connect(empty, autocommit=True) as connection:
        connection.execute("truncate a")
    assert [each.name for each in migrate(empty, folder=tmp_path)] == ["b"]
    with psycopg.connect(empty) as connection:
        assert connection.execute("select indisvalid from pg_index where indexrelid = 'a_x'::regclass").fetchone() == (
            True,
        )


@pytest.mark.parametrize("names", [[], ["0002_a.sql"], ["0001_a.sql", "0001_b.sql"], ["0001_a.sql", "notes.sql"]])
def test_a_folder_in_disorder_is_refused(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(MigrationError):
        migrations(tmp_path)


def test_a_server_that_does_not_answer_is_named_without_the_password() -> None:
    with pytest.raises(DatabaseUnavailable, match=r"127\.0\.0\.1:1 .*Start it, or correct") as failed:
        migrate("postgresql://u:canary@127.0.0.1:1/d")
    assert "canary" not in str(failed.value)


async def test_the_pool_says_who_is_away_and_comes_back_by_itself(embedded: EmbeddedProfile) -> None:
    database = Database(embedded.addresses.database_url, timeout=2.0)  # brief: the server is away
    await database.open()
    process = embedded.postgres.process
    await database.ping()
    await embedded.postgres.stop()
    before = time.monotonic()
    with pytest.raises(DatabaseUnavailable, match="does not answer"):
        await database.ping()
    assert time.monotonic() - before < PATIENCE
    await process.start()
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            await database.ping()
            break
        except DatabaseUnavailable:
            await asyncio.sleep(0.2)
    else:
        pytest.fail("the pool did not come back")
    await database.close()


async def test_a_server_that_restarted_costs_no_request_however_many_connections_it_cut(
    embedded: EmbeddedProfile,
) -> None:
    async with Database(embedded.addresses.database_url) as database:

        async def hold() -> None:
            async with database.transaction() as connection:
                await connection.execute("select pg_sleep(0.3)")

        await asyncio.gather(*(hold() for _ in range(20)))  # the pool is at its largest
        assert database.statistics()["pool_size"] > 5
        await embedded.postgres.stop()
        await embedded.postgres.process.start()
        for _ in range(20):
            assert await database.ping() < 3


async def test_an_error_of_a_statement_is_not_taken_for_a_server_that_is_away(database: Database) -> None:
    with pytest.raises(psycopg.errors.LockNotAvailable):
        async with database.transaction() as connection, database.transaction() as other:
            await connection.execute("select pg_advisory_xact_lock(1)")
            await other.execute("set local lock_timeout = '10ms'")
            await other.execute("select pg_advisory_xact_lock(1)")


def test_the_wheel_and_a_checkout_find_the_migrations_in_one_place() -> None:
    assert FOLDER.name == "migrations"
    assert FOLDER.parent.joinpath("runtime").is_dir()


async def test_a_row_of_many_that_is_refused_is_told_as_that_and_costs_no_connection(database: Database) -> None:
    """The answers of the rows after it are still to come: which looked like a server in an unknown state."""
    async with database.transaction() as connection:
        await connection.execute("create temporary table many (n integer check (n <> 3)) on commit drop")
        for _ in range(20):
            with pytest.raises(psycopg.errors.CheckViolation):
                async with connection.transaction():
                    await connection.cursor().executemany("insert into many values (%s)", [(n,) for n in range(500)])
        assert not connection.closed
