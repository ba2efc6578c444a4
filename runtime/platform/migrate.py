"""Apply `migrations/NNNN_name.sql`: forward only, one starter at a time, each file once and never changed.

Our own sixty lines, since what remains of a migration tool after the advisory lock and the checksums (which it would
need from us anyway) is reading a folder in order. See docs/decisions/0004-migrations.md.
"""

import hashlib
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg import sql

from runtime.platform.postgres import Database, DatabaseUnavailable

__all__ = ["FOLDER", "Migration", "MigrationError", "migrate", "migrations", "pending"]

FOLDER: Final = Path(__file__).resolve().parents[2] / "migrations"
LOCK: Final = 72_028_202
"""Key of the advisory lock: any number, the same for every process."""
LOCK_POLL_SECONDS: Final = 0.2
"""Between two tries to get the lock. A session that waited inside Postgres would hold a snapshot, and an index that is built
concurrently waits for the end of every older snapshot: both would wait for ever."""
NO_TRANSACTION: Final = "-- migrate: no transaction"
"""First line of a file whose statements run one by one, each by itself: `create index concurrently`. Such a file must be one that
can run again from its beginning; its statements end with `;` at the end of a line."""
END_OF_STATEMENT: Final = re.compile(r"(?<=;)\n")
FILE_NAME: Final = re.compile(r"^(\d{4})_([a-z0-9_]+)\.sql$")


class MigrationError(Exception):
    """A migration is missing, was changed after it was applied, or is newer than this program."""


@dataclass(frozen=True)
class Migration:
    """One file: its number, its name and its text."""

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def statements(self) -> list[str] | None:
        """The statements of a file that runs outside a transaction; None: it runs as a whole, inside one."""
        if not self.text.startswith(NO_TRANSACTION):
            return None
        return [each for each in END_OF_STATEMENT.split(self.text) if each.strip().rstrip(";")]


def migrations(folder: Path = FOLDER) -> list[Migration]:
    """Return all migrations in order.

    Raises:
        MigrationError: the folder is empty, or two files have one number.
    """
    ordered = sorted(_read(folder), key=lambda migration: migration.number)
    if [migration.number for migration in ordered] != list(range(1, len(ordered) + 1)) or not ordered:
        raise MigrationError(f"{folder}: migrations must be numbered 0001, 0002, ... without gaps or doubles")
    return ordered


def _read(folder: Path) -> Iterator[Migration]:
    for path in folder.glob("*.sql"):
        match = FILE_NAME.match(path.name)
        if match is None:
            raise MigrationError(f"{path.name}: not a migration's name (NNNN_words.sql)")
        yield Migration(int(match[1]), match[2], path.read_text(encoding="utf-8"))


def migrate(admin_url: str, app_url: str | None = None, *, folder: Path = FOLDER) -> list[Migration]:
    """Bring the database up to date and return the migrations that were applied now. Several processes may call it at once.

    Args:
        admin_url: address of a role that may create tables and roles.
        app_url: address of the application's login; it is created, or its password set, and added to `tempor8_app`.
        folder: of the migrations.

    Raises:
        MigrationError: a migration is missing or changed, or the database is newer; a failing migration leaves no trace,
            but of a file that runs outside a transaction, which runs again from its beginning.
        DatabaseUnavailable: no connection.
    """
    try:
        connection = psycopg.connect(admin_url, autocommit=True, connect_timeout=10)
    except psycopg.OperationalError as error:
        parts = urlsplit(admin_url)
        raise DatabaseUnavailable(
            f"Postgres at {parts.hostname}:{parts.port or 5432} does not answer, so nothing was migrated. "
            "Start it, or correct DATABASE_ADMIN_URL (or DATABASE_URL)."
        ) from error
    with connection:
        _lock(connection)
        applied = _apply(connection, migrations(folder))
        if app_url is not None and urlsplit(app_url).username != urlsplit(admin_url).username:
            _ensure_login(connection, app_url)
    return applied


def _apply(connection: psycopg.Connection, plan: list[Migration]) -> list[Migration]:
    connection.execute(
        "create table if not exists schema_migrations ("
        " number integer primary key, name text not null, checksum text not null,"
        " applied_at timestamptz not null default now())"
    )
    applied = {row[0]: row[1] for row in connection.execute("select number, checksum from schema_migrations")}
    _compare(applied, plan)
    new = [migration for migration in plan if migration.number not in applied]
    for migration in new:
        for statement in migration.statements or ():
            connection.execute(statement.encode())
        with connection.transaction():
            if migration.statements is None:
                connection.execute(migration.text.encode())
            connection.execute(
                "insert into schema_migrations (number, name, checksum) values (%s, %s, %s)",
                (migration.number, migration.name, migration.checksum),
            )
    return new


def _lock(connection: psycopg.Connection) -> None:
    while True:
        row = connection.execute("select pg_try_advisory_lock(%s)", (LOCK,)).fetchone()
        if row and row[0]:
            return
        time.sleep(LOCK_POLL_SECONDS)


def _compare(applied: dict[int, str], plan: list[Migration]) -> None:
    known = {migration.number: migration for migration in plan}
    for number, checksum in applied.items():
        if number not in known:
            raise MigrationError(
                f"the database has migration {number:04}, which this version does not know: it was migrated by a "
                "newer one. Run that version; migrations only go forward."
            )
        if known[number].checksum != checksum:
            raise MigrationError(
                f"migration {number:04}_{known[number].name} was changed after it was applied. "
                "Restore the file and put the change into a new migration."
            )


async def pending(database: Database) -> list[Migration]:
    """Return the migrations that this version needs and the database does not have: for readiness.

    Raises:
        MigrationError: a migration is missing or changed, or the database is newer.
        DatabaseUnavailable: no connection.
    """
    async with database.transaction() as connection:
        cursor = await connection.execute("select to_regclass('schema_migrations') is not null as there")
        row = await cursor.fetchone()
        if row is None or not row["there"]:
            return migrations()
        rows = await (await connection.execute("select number, checksum from schema_migrations")).fetchall()
    applied = {row["number"]: row["checksum"] for row in rows}
    _compare(applied, plan := migrations())
    return [migration for migration in plan if migration.number not in applied]


def _ensure_login(connection: psycopg.Connection, app_url: str) -> None:
    parts = urlsplit(app_url)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not user:
        raise MigrationError("DATABASE_URL names no user")
    role = sql.Identifier(user)
    exists = connection.execute("select 1 from pg_roles where rolname = %s", (user,)).fetchone()
    verb = sql.SQL("alter role" if exists else "create role")
    connection.execute(
        sql.SQL("{} {} login nosuperuser nobypassrls nocreatedb nocreaterole").format(verb, role)
        + (sql.SQL(" password {}").format(sql.Literal(password)) if password else sql.SQL(""))
    )
    connection.execute(sql.SQL("grant tempor8_app to {}").format(role))
