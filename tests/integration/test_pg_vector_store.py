"""The PGVector store on a real Postgres with pgvector: whole workflows, in every mode that the store has."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, Final, cast

import pytest

from runtime.agents.retrieval.vector_store_pg_vector import PgVectorInsert, PgVectorLoad
from runtime.contract import ActivityContext, NodeError
from runtime.values.postgres_text import format_query
from tests.database_servers import postgres_server
from tests.databases import ServerDatabases
from tests.unit.agents.vendors_stand_in import Vendors
from tests.unit.agents.world import World, model, node, outputs, run, workflow

__all__ = ["postgres_server"]

STORE: Final = "vectorStorePGVector"
KEYS: Final = {"postgres": {"id": "2", "name": "db"}}
EMBEDDINGS: Final = node(
    "Embeddings", "embeddingsOpenAi", 1.2, {"options": {}}, credentials={"openAiApi": {"id": "1", "name": "k"}}
)


@pytest.fixture
def databases(postgres_server: dict[str, Any]) -> ServerDatabases:
    return ServerDatabases({"postgres": postgres_server})


@pytest.fixture
def world(databases: ServerDatabases) -> Iterator[World]:
    with Vendors() as stand_in:
        yield World(stand_in, databases=databases)


def store(mode: str, table: str, version: float = 1.3, **parameters: Any) -> dict[str, Any]:
    return node("Store", STORE, version, {"mode": mode, "tableName": table, **parameters}, credentials=KEYS)


async def insert(world: World, table: str, texts: list[str], **parameters: Any) -> None:
    loader = node("Loader", "documentDefaultDataLoader", 1.1, {
        "jsonMode": "expressionData", "jsonData": "={{ $json.text }}",
        "options": {"metadata": {"metadataValues": [{"name": "kind", "value": "={{ $json.kind }}"}]}},
    })  # fmt: skip
    items = [{"text": text, "kind": text.split()[0]} for text in texts]
    export = workflow(store("insert", table, **parameters), (EMBEDDINGS, "ai_embedding"), (loader, "ai_document"))
    execution, finished = await run(export, world, items, execution_id=f"{table}-{texts[0]}")
    assert finished.status == "success", finished.error
    assert len(outputs(execution, "Store")[0]) == len(texts)


async def found(world: World, table: str, **parameters: Any) -> list[str]:
    export = workflow(store("load", table, **{"prompt": "tea milk", **parameters}), (EMBEDDINGS, "ai_embedding"))
    execution, finished = await run(export, world, [{}])
    assert finished.status == "success", finished.error
    return [row["document"]["pageContent"] for row in outputs(execution, "Store")[0]]


SCORES: Final = {
    "cosine": (0.08475074411905903, 0.8845299579752656),
    "innerProduct": (-0.9151899814605713, -0.11546703428030014),
    "euclidean": (0.41169229527413176, 1.3300427671597856),
}
"""Of the two documents, as n8n 2.41.1 gave them on this server."""
LAYOUT: Final = [
    ("id", "uuid", "gen_random_uuid()"), ("text", "text", None), ("metadata", "jsonb", None), ("embedding", "USER-DEFINED", None),
]  # fmt: skip
"""Columns of the table that n8n makes."""


@pytest.mark.parametrize("strategy", SCORES)
async def test_documents_are_inserted_and_found_as_by_n8n(
    databases: ServerDatabases, world: World, strategy: str
) -> None:
    table = f"Docs_{strategy}"
    await insert(world, table, ["tea with milk", "fog"])
    export = workflow(
        store("load", table, prompt="tea milk", options={"distanceStrategy": strategy}), (EMBEDDINGS, "ai_embedding")
    )
    execution, _ = await run(export, world, [{}])
    rows = outputs(execution, "Store")[0]
    assert [row["document"]["pageContent"] for row in rows] == ["tea with milk", "fog"]
    assert [row["score"] for row in rows] == pytest.approx(SCORES[strategy])
    assert rows[1]["document"]["metadata"]["kind"] == "fog"
    async with databases.postgres() as session:
        (layout,) = await session.query(
            format_query(
                "SELECT column_name, data_type, column_default FROM information_schema.columns "
                "WHERE table_name = $1 ORDER BY ordinal_position",
                [table.lower()],
            )
        )
    assert [tuple(row) for row in layout.rows] == LAYOUT


async def test_metadata_restricts_what_is_found(world: World) -> None:
    await insert(world, "docs_kinds", ["tea with milk", "fog it's over hills"])
    only = {"metadata": {"metadataValues": [{"name": "kind", "value": "fog"}]}}
    assert await found(world, "docs_kinds", options=only) == ["fog it's over hills"]
    hostile = {"metadata": {"metadataValues": [{"name": "kind' = '' OR '1", "value": "x' OR '1'='1"}]}}
    assert await found(world, "docs_kinds", options=hostile) == []


async def test_collections_share_a_table_and_no_documents(world: World) -> None:
    for name in ("a", "b"):
        chosen = {"collection": {"values": {"useCollection": True, "collectionName": name}}}
        await insert(world, "docs_shared", [f"tea {name}"], options=chosen)
    chosen = {"collection": {"values": {"useCollection": True, "collectionName": "b"}}}
    assert await found(world, "docs_shared", options=chosen) == ["tea b"]


async def test_columns_have_the_names_of_the_node(databases: ServerDatabases, world: World) -> None:
    named = {"columnNames": {"values": {
        "idColumnName": "Key", "vectorColumnName": "v", "contentColumnName": "Body", "metadataColumnName": "m",
    }}}  # fmt: skip
    await insert(world, "docs_named", ["tea"], options=named)
    assert await found(world, "docs_named", options=named) == ["tea"]
    async with databases.postgres() as session:
        (result,) = await session.query('SELECT "Body" FROM docs_named')
    assert result.rows[0][0] == "tea"


async def test_an_agent_asks_the_store_as_a_tool(world: World) -> None:
    await insert(world, "docs_tool", ["tea with milk"])
    call = {"id": "c1", "type": "function", "function": {"name": "Store", "arguments": json.dumps({"input": "tea"})}}
    world.stand_in.script = [{"tool_calls": [call]}, {"content": "done"}]
    agent = node("Agent", "agent", 2.2, {"options": {}})
    tool = store("retrieve-as-tool", "docs_tool", toolDescription="Finds documents")
    export = workflow(agent, (model(), "ai_languageModel"), (tool, "ai_tool"), (EMBEDDINGS, "ai_embedding", "Store"))
    _, finished = await run(export, world, [{"chatInput": "What goes with tea?"}])
    assert finished.status == "success", finished.error
    answer = world.stand_in.requests[-1].body["messages"][-1]["content"]
    assert "tea with milk" in answer


async def test_an_attempt_that_is_repeated_adds_nothing_twice(databases: ServerDatabases) -> None:
    context = cast(ActivityContext, SimpleNamespace(databases=databases, name="Store"))
    inserting = PgVectorInsert.bind({"mode": "insert", "tableName": "docs_twice"}, 1.3)
    ids = ["6d9b4c53-6f3e-4f43-9a86-2f4f4e2f8f01"]
    for _ in range(2):
        await inserting.add(context, [{"pageContent": "a", "metadata": {}}], [[1.0, 0.0]], ids)
    loading = PgVectorLoad.bind({"mode": "load", "tableName": "docs_twice"}, 1.3)
    assert [each["id"] for each, _ in await loading.nearest(context, [1.0, 0.0], 4)] == ids


async def test_a_store_that_is_empty_gives_nothing(world: World) -> None:
    assert await found(world, "docs_none") == []


async def test_vectors_of_another_dimension_are_an_error_of_the_step(databases: ServerDatabases, world: World) -> None:
    async with databases.postgres() as session:
        await session.query(
            "CREATE EXTENSION IF NOT EXISTS vector;"
            "CREATE TABLE docs_narrow (id serial primary key, text text, metadata jsonb, embedding vector(3));"
            "INSERT INTO docs_narrow (text, metadata, embedding) VALUES ('x', '{}', '[1,2,3]')"
        )
    export = workflow(store("load", "docs_narrow", prompt="tea"), (EMBEDDINGS, "ai_embedding"))
    _, finished = await run(export, world, [{}])
    assert finished.status == "error"
    assert (finished.error or {})["message"] == "different vector dimensions 3 and 8"


@pytest.mark.parametrize("table", ['x"; drop table y; --', "", "a.b.c", "ü"])
async def test_a_name_that_is_no_table_is_refused(databases: ServerDatabases, table: str) -> None:
    context = cast(ActivityContext, SimpleNamespace(databases=databases, name="Store"))
    with pytest.raises(NodeError, match="Invalid table name"):
        await PgVectorLoad.bind({"mode": "load", "tableName": table}, 1.3).nearest(context, [1.0], 1)
