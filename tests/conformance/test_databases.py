"""Nodes of databases do on a real server what n8n did on one: a case a line in `databases/`.

A case has `setup` (statements before all cases of its file), `version` and `parameters` of the node, `input`, what n8n gave
(`expected`), and perhaps `after` (a query behind all cases) with `afterRows`. Cases of a file run in order: some go on where
another ended.
"""

import json
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Final

import pytest

from cli.testing.compare import difference
from runtime.contract.capabilities import SqlSession
from runtime.nodes.my_sql.values import rows_of as mysql_rows
from tests.database_servers import mysql_server, postgres_server, redis_server
from tests.databases import ServerDatabases, comparable, run_node
from tests.mongo_server import mongo_server

__all__ = ["mysql_server", "postgres_server", "redis_server"]

PASSWORD: Final = "pw"
FOLDER: Final = Path(__file__).parent / "databases"


def cases_of(name: str) -> list[dict[str, Any]]:
    lines = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [{"type": f"n8n-nodes-base.{name}", **json.loads(line)} for line in lines]


async def run_all(
    name: str, databases: ServerDatabases, before: Callable[[dict[str, Any]], None] | None = None
) -> list[str]:
    """Return how the outputs of each case differ from n8n's; `before` is called with each case before it runs."""
    wrong = []
    for case in cases_of(name):
        if before is not None:
            before(case)
        expected, actual = case["expected"], await run_node(case, databases)
        place = difference(comparable(expected["outputs"]), comparable(actual["outputs"]))
        if place is None and (paired := difference(expected["pairedItem"], actual["pairedItem"])) is not None:
            place = f"pairedItem {paired}"
        error, raised = expected.get("error") or {}, actual["error"] or {}
        if place is None and any(error.get(key) != raised.get(key) for key in ("message", "description")):
            place = f"error {raised}"
        if place is not None or expected["status"] != actual["status"]:
            wrong.append(f"{case['name']}: {place or actual['status']}")
    return wrong


async def prepare(session: AbstractAsyncContextManager[SqlSession], cases: Iterable[dict[str, Any]]) -> None:
    async with session as connection:
        for case in cases:
            for text in case.get("setup", ()):
                await connection.query(text)


async def rows_after(session: AbstractAsyncContextManager[SqlSession], text: str) -> list[list[Any]]:
    async with session as connection:
        (result,) = await connection.query(text)
        return [list(row.values()) for row in mysql_rows(result)]


async def check_rows(databases: ServerDatabases, name: str) -> list[str]:
    """Return the cases whose tables are not as n8n left them."""
    open_session = databases.postgres if name == "postgres" else databases.mysql
    wrong = []
    for case in cases_of(name):
        if case.get("afterRows") is not None:
            rows = await rows_after(open_session(), case["after"])
            if [[str(cell) for cell in row] for row in rows] != case["afterRows"]:
                wrong.append(f"{case['name']}: {rows}")
    return wrong


async def test_postgres_does_what_n8n_did(postgres_server: dict[str, Any]) -> None:
    databases = ServerDatabases({"postgres": postgres_server})
    await prepare(databases.postgres(), cases_of("postgres"))
    assert await run_all("postgres", databases) == []
    assert await check_rows(databases, "postgres") == []


async def test_mysql_does_what_n8n_did(mysql_server: dict[str, Any]) -> None:
    databases = ServerDatabases({"mySql": mysql_server})
    await prepare(databases.mysql(), cases_of("mySql"))
    assert await run_all("mySql", databases) == []
    assert await check_rows(databases, "mySql") == []


async def test_redis_does_what_n8n_did(redis_server: dict[str, Any]) -> None:
    assert await run_all("redis", ServerDatabases({"redis": redis_server})) == []


async def test_mongodb_does_what_n8n_did() -> None:
    """On a server of the tests; a case with `fresh` ({collection: documents in Extended JSON}) finds these alone."""
    with mongo_server(PASSWORD) as server:

        def refill(case: dict[str, Any]) -> None:
            if "fresh" in case:
                server.fill("t8", case["fresh"])

        assert await run_all("mongoDb", ServerDatabases({"mongoDb": server.credential("t8")}), refill) == []


@pytest.mark.parametrize("name", ["mongoDb", "postgres", "mySql", "redis"])
def test_each_case_has_a_name_of_its_own(name: str) -> None:
    names = [case["name"] for case in cases_of(name)]
    assert len(set(names)) == len(names)
