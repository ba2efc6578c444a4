"""The SQL Agent on a real Postgres: what its model learns of the database, and what it may not do."""

import json
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest

from compiler.pipeline import compile_export
from runtime.catalog import CATALOG
from tests.database_servers import postgres_server
from tests.databases import ServerDatabases
from tests.unit.agents.vendors_stand_in import Vendors
from tests.unit.agents.world import World, calls, model, node, outputs, run, text_answer, workflow

__all__ = ["postgres_server"]

KEYS: Final = {"postgres": {"id": "2", "name": "db"}}
TABLES: Final = """
DROP SCHEMA IF EXISTS shop CASCADE; CREATE SCHEMA shop; ALTER ROLE CURRENT_USER SET search_path = shop;
CREATE TABLE shop."Sales" (id int, cash_type text, amount numeric); CREATE TABLE shop.secret (x int);
INSERT INTO shop."Sales" VALUES (1, 'card', 2.5), (2, NULL, 3)
"""


@pytest.fixture
async def databases(postgres_server: dict[str, Any]) -> AsyncIterator[ServerDatabases]:
    found = ServerDatabases({"postgres": postgres_server})
    async with found.postgres() as session:
        await session.query(TABLES)
    yield found
    async with found.postgres() as session:
        await session.query("ALTER ROLE CURRENT_USER RESET search_path; DROP SCHEMA shop CASCADE")


def agent(version: float = 1.7, source: str | None = "postgres", **parameters: Any) -> dict[str, Any]:
    given = {"agent": "sqlAgent", **({"dataSource": source} if source else {}), **parameters}
    return workflow(node("A", "agent", version, given, credentials=KEYS), (model(), "ai_languageModel"))


async def asked(databases: ServerDatabases, tool: str, arguments: dict[str, str], **options: Any) -> tuple[str, Any]:
    """Return what a call of a tool tells the model, and its first request."""
    with Vendors(script=[calls(tool, arguments), text_answer("done")]) as stand_in:
        world = World(stand_in, databases=databases)
        execution, finished = await run(agent(options=options), world, [{"chatInput": "how many?"}])
        assert finished.status == "success", finished.error
        told = stand_in.requests[-1].body["messages"][-1]["content"]
        (item,) = outputs(execution, "A")[0]
        assert item["output"] == "done"
        assert [each["observation"] for each in item["intermediateSteps"]] == [told]
        return told, stand_in.requests[0].body


async def test_the_model_gets_its_tools_and_the_prompt_of_the_author(databases: ServerDatabases) -> None:
    _, first = await asked(databases, "list_tables", {}, prefixPrompt="{dialect}, at most {top_k}", topK=7)
    assert first["messages"][0] == {"role": "system", "content": "PostgreSQL, at most 7"}
    assert first["messages"][1] == {"role": "user", "content": "how many?"}
    assert [each["function"]["name"] for each in first["tools"]] == ["list_tables", "describe_tables", "run_query"]


@pytest.mark.parametrize(
    ("tool", "arguments", "options", "told"),
    [
        ("list_tables", {}, {}, "Sales, secret"),
        ("list_tables", {}, {"ignoredTables": "secret"}, "Sales"),
        ("list_tables", {}, {"includedTables": "secret, other"}, "secret"),
        ("describe_tables", {"tables": "Sales"}, {"includeSampleRows": 1},
         'Sales (id integer, cash_type text, amount numeric)\n{"id":"1","cash_type":"card","amount":"2.5"}'),
        ("describe_tables", {"tables": "Sales, other"}, {}, "There is no table other. The tables are Sales, secret."),
        ("describe_tables", {"tables": "secret"}, {"ignoredTables": "secret"}, "There is no table secret. The tables are Sales."),
        ("run_query", {"query": 'SELECT count(*) AS n FROM "Sales";'}, {}, '[{"n":"2"}]'),
        ("run_query", {"query": 'SELECT cash_type FROM "Sales" WHERE id = 2'}, {}, '[{"cash_type":null}]'),
        ("run_query", {"query": "SELECT nope"}, {}, 'Error: column "nope" does not exist'),
        ("run_query", {"query": 'DELETE FROM "Sales"'}, {}, "Error: cannot execute DELETE in a read-only transaction"),
        ("run_query", {"query": "COMMIT; SET default_transaction_read_only = off"}, {},
         "A query is one statement: leave out the semicolon, or run the statements one after the other."),
        ("drop_all", {}, {}, "drop_all is not a valid tool, try another one."),
    ],
)  # fmt: skip
async def test_what_a_call_tells_the_model(
    databases: ServerDatabases, tool: str, arguments: dict[str, str], options: dict[str, Any], told: str
) -> None:
    assert (await asked(databases, tool, arguments, **options))[0] == told


async def test_a_database_that_is_not_there_fails_the_node() -> None:
    databases = ServerDatabases(
        {"postgres": {"host": "127.0.0.1", "port": 9, "user": "u", "password": "p", "database": "d"}}
    )
    with Vendors(script=[calls("list_tables", {}), text_answer("done")]) as stand_in:
        _, finished = await run(agent(), World(stand_in, databases=databases), [{"chatInput": "x"}])
    told = json.dumps([finished.error, [each.body for each in stand_in.requests[1:]]])
    assert "refused" in told or "connect" in told.lower()


@pytest.mark.parametrize(
    ("version", "source", "finding"),
    [
        (1.7, "sqlite", "dataSource 'sqlite'"),
        (1.2, None, "dataSource 'sqlite'"),
        (1.7, None, None),
        (1.2, "mysql", None),
    ],
)
def test_a_file_of_sqlite_is_refused_when_the_workflow_is_compiled(
    version: float, source: str | None, finding: str | None
) -> None:
    text = {"input": "q"} if version <= 1.2 else {}
    export = agent(version, source, **text)
    compiled = compile_export(json.dumps(export), file="t.json", catalog=CATALOG)
    errors = [each.message for each in compiled.diagnostics if each.level == "error"]
    assert bool(errors) == (finding is not None), errors
    assert finding is None or finding in errors[0]
