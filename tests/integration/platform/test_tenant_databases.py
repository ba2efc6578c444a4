"""Clients of tenants' databases: only where the egress guard lets them, nothing without bounds, values that stay values."""

import asyncio
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast

import pytest

from runtime.contract import NodeApiError
from runtime.hosts.accounts import Accounts
from runtime.hosts.temporal.capabilities.databases import WorkerDatabases
from runtime.hosts.temporal.resources import WorkerResources
from runtime.nodes.my_sql import formatting as mysql_text
from runtime.platform import mysql_client, postgres_client, redis_client
from runtime.platform.credentials import CredentialMissing
from runtime.platform.egress import EgressRefused
from runtime.platform.mysql_client import connect_mysql
from runtime.platform.postgres_client import connect_postgres
from runtime.platform.redis_client import connect_redis
from runtime.platform.settings import Settings
from runtime.values import postgres_text
from schemas.sql import DatabaseError
from schemas.task import Task
from service.account_connector import AccountError
from service.account_links import Account
from tests.database_servers import mysql_server, postgres_server, redis_server
from tests.databases import LOOPBACK
from tests.patience import PATIENCE

__all__ = ["mysql_server", "postgres_server", "redis_server"]

HOSTILE: Final = [
    "'; drop table victims; --",
    "\\'; drop table victims; --",
    "\\",
    "a\\\\'b",
    '"; drop table victims; --',
    "`; drop table victims; -- ",
    "$1 ${a} $$ %s %(a)s ? :a",
    "\r\n\t\x1a\x08",
    "é 🦊 \u2028",
    "",
]


def postgres(server: dict[str, Any], **fields: Any) -> AbstractAsyncContextManager[Any]:
    return connect_postgres(LOOPBACK, {**server, **fields}, connect_seconds=5)


def mysql(server: dict[str, Any], **fields: Any) -> AbstractAsyncContextManager[Any]:
    return connect_mysql(LOOPBACK, {**server, **fields}, connect_seconds=5)


async def failure(session: AbstractAsyncContextManager[Any], *query: str) -> str:
    """Return the message of the DatabaseError that a query ends in."""
    with pytest.raises(DatabaseError) as caught:
        async with session as opened:
            await (opened.query(*query) if hasattr(opened, "query") else opened.command(*query))
    return caught.value.message


async def test_no_client_goes_where_the_egress_guard_is_closed(
    postgres_server: dict[str, Any], redis_server: dict[str, Any]
) -> None:
    """MySQL's is given the address of the Redis server: it gets no further than to the guard."""
    for session in (
        connect_postgres((), postgres_server, connect_seconds=5),
        connect_redis((), redis_server),
        connect_mysql((), redis_server, connect_seconds=5),
    ):
        with pytest.raises(EgressRefused, match="it is this machine"):
            async with session:
                pass


@pytest.mark.parametrize("database", ["host=evil.example hostaddr=192.0.2.1", "postgresql://evil.example/x"])
async def test_the_name_of_a_database_leads_to_no_other_server(postgres_server: dict[str, Any], database: str) -> None:
    message = await failure(postgres(postgres_server, database=database), "select 1")
    assert message == f'database "{database}" does not exist'


@pytest.mark.parametrize("host", ["/run", "127.0.0.1,127.0.0.2", "nope.invalid", "a..b"])
async def test_a_host_that_is_none_is_told(postgres_server: dict[str, Any], host: str) -> None:
    assert await failure(postgres(postgres_server, host=host), "select 1") == f"getaddrinfo ENOTFOUND {host}"


async def test_a_port_where_nobody_listens_is_told(postgres_server: dict[str, Any]) -> None:
    for session in (
        postgres(postgres_server, port=1),
        mysql(postgres_server, port=1),
        connect_redis(LOOPBACK, {"host": "127.0.0.1", "port": 1}),
    ):
        assert (await failure(session, "select 1")).startswith("connect ECONNREFUSED 127.0.0.1:1")


async def test_an_ssh_tunnel_is_told_as_unsupported(postgres_server: dict[str, Any]) -> None:
    for session in (postgres(postgres_server, sshTunnel=True), mysql(postgres_server, sshTunnel=True)):
        assert await failure(session, "select 1") == "SSH tunnels are not supported"


async def test_tls_is_not_left_out_where_the_credential_asks_for_it(
    postgres_server: dict[str, Any], mysql_server: dict[str, Any]
) -> None:
    for fields in ({"ssl": "require"}, {"ssl": "allow"}, {"allowUnauthorizedCerts": True}):
        message = await failure(postgres(postgres_server, **fields), "select 1")
        assert message == "server does not support SSL, but SSL was required"
    assert "SSL" in await failure(mysql(mysql_server, ssl=True), "select 1")


async def test_a_result_of_postgres_has_bounds(
    postgres_server: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "100,000 rows" in await failure(postgres(postgres_server), "select generate_series(1, 1000000000)")
    monkeypatch.setattr(postgres_client, "MAX_BYTES", 1_000_000)
    for text in ("select repeat('x', 50000000)", "select repeat('x', 10000) from generate_series(1, 1000)"):
        assert "MB" in await failure(postgres(postgres_server), text)
    assert await failure(postgres(postgres_server), "copy (select 1) to stdout") == "COPY is not supported"


async def test_a_query_of_postgres_that_takes_too_long_is_cancelled_on_the_server(
    postgres_server: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(postgres_client, "QUERY_SECONDS", 0.5)
        assert "cancelled" in await failure(postgres(postgres_server), "select pg_sleep(60) as endless")
    running = (
        "select 1 from pg_stat_activity where state = 'active' and query like '%endless' and pid <> pg_backend_pid()"
    )
    async with postgres(postgres_server) as session, asyncio.timeout(PATIENCE):
        while (await session.query(running))[0].rows:
            await asyncio.sleep(0.05)


async def test_a_result_of_mysql_has_bounds(mysql_server: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    assert "100,000 rows" in await failure(mysql(mysql_server), "select seq from seq_1_to_1000000")
    monkeypatch.setattr(mysql_client, "MAX_BYTES", 1_000_000)
    assert "MB" in await failure(mysql(mysql_server), "select repeat('x', 10000000)")
    monkeypatch.setattr(mysql_client, "QUERY_SECONDS", 0.5)
    assert "cancelled" in await failure(mysql(mysql_server), "select sleep(20)")


async def test_a_reply_of_redis_has_bounds(redis_server: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_client, "MAX_BYTES", 1_000_000)
    async with connect_redis(LOOPBACK, redis_server) as session:
        await session.command("SETRANGE", "bounds:big", 2_000_000, "x")
        with pytest.raises(DatabaseError, match="MB"):
            await session.command("GET", "bounds:big")
    monkeypatch.setattr(redis_client, "QUERY_SECONDS", 0.5)
    assert "cancelled" in await failure(connect_redis(LOOPBACK, redis_server), "BLPOP", "bounds:none", "20")


@pytest.mark.parametrize("standard", ["on", "off"])
async def test_hostile_values_stay_values_in_postgres(postgres_server: dict[str, Any], standard: str) -> None:
    """Whatever the server takes a backslash for."""
    async with postgres(postgres_server) as session:
        await session.query(f"set standard_conforming_strings = {standard}; set escape_string_warning = off")
        for value in HOSTILE:
            text = postgres_text.format_query("select $1, '$1:value', array_length($2, 1)", [value, [value, value]])
            if "\\" in value:  # `:value` is for authors: a backslash in it is the server's to read
                text = postgres_text.format_query("select $1, $1, array_length($2, 1)", [value, [value, value]])
            (result,) = await session.query(text)
            assert result.rows == [(value, value, "2")]
            if value:
                (named,) = await session.query(postgres_text.format_query("select 1 as $1:name", [value]))
                assert named.columns[0].name == value


@pytest.mark.parametrize("mode", ["", "NO_BACKSLASH_ESCAPES", "ANSI_QUOTES"])
async def test_hostile_values_stay_values_in_mysql(mysql_server: dict[str, Any], mode: str) -> None:
    """Under NO_BACKSLASH_ESCAPES the server reads escapes as they are written, and no quote ends a value."""
    async with mysql(mysql_server) as session:
        await session.query(f"set sql_mode = '{mode}'")
        for value in HOSTILE:
            results = await session.query(f"select {mysql_text.literal(value)} a, {mysql_text.literal([value, value])}")
            assert len(results) == 1
            assert len(results[0].columns) == 3
            if mode != "NO_BACKSLASH_ESCAPES":
                assert results[0].rows == [(value, value, value)]
            if value.strip() and value.isascii():  # names have no astral characters
                named = await session.query(f"select 1 as {mysql_text.identifier(value)}")
                assert len(named) == 1


class Keys:
    """A store that has these credentials, under any name."""

    def __init__(self, **by_type: dict[str, Any]) -> None:
        self._by_type = by_type

    async def get(self, tenant: str, type_: str, name: str) -> dict[str, Any]:
        if type_ not in self._by_type:
            raise CredentialMissing(tenant, type_, name)
        return self._by_type[type_]


def worker_databases(keys: Keys, *allow: str) -> WorkerDatabases:
    async def egress_allow(tenant: str) -> tuple[str, ...]:
        del tenant
        return allow

    resources = SimpleNamespace(
        credentials=keys, egress_allow=egress_allow, opened={}, uses=SimpleNamespace(note=lambda *_: None)
    )
    step = {"name": "Node", "credentials": {"postgres": {"name": "c"}, "redis": {"name": "c"}}, "parameters": {}}
    task = {"meta": {"tenant": "acme", "execution_id": "1"}, "step": step}
    return WorkerDatabases(cast(WorkerResources, resources), cast(Task, task))


async def test_a_worker_opens_the_credential_of_the_step_within_the_egress_of_the_tenant(
    postgres_server: dict[str, Any], redis_server: dict[str, Any]
) -> None:
    keys = Keys(postgres=postgres_server, redis=redis_server)
    open_ = worker_databases(keys, "127.0.0.1/32")
    async with open_.postgres() as postgres_session, open_.redis() as redis_session:
        assert (await postgres_session.query("select 1"))[0].rows == [("1",)]
        assert await redis_session.command("PING") == "PONG"
    with pytest.raises(NodeApiError, match="tempor8 tenants allow"):
        async with worker_databases(keys).postgres():
            pass


async def test_credentials_of_databases_are_tried_by_a_login(
    postgres_server: dict[str, Any], redis_server: dict[str, Any], tmp_path: Path
) -> None:
    async def allowed(tenant: str) -> tuple[str, ...]:
        del tenant
        return LOOPBACK

    def accounts(keys: Keys) -> Accounts:
        settings = Settings.load({"TEMPOR8_STATE": str(tmp_path)})
        return Accounts(settings, cast(Any, keys), cast(Any, SimpleNamespace(get=allowed)), cast(Any, None))

    working = accounts(Keys(postgres=postgres_server, redis=redis_server))
    for type_ in ("postgres", "redis"):
        assert await working.test(Account("acme", type_, "c")) == "127.0.0.1 let it in"
    with pytest.raises(AccountError, match="password authentication failed"):
        await accounts(Keys(postgres={**postgres_server, "password": "x"})).test(Account("acme", "postgres", "c"))
