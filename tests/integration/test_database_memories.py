"""Chat memories in Postgres, Redis and MongoDB: conversations that n8n began go on, and n8n can read what was added."""

import json
from types import SimpleNamespace
from typing import Any, Final, cast

import pytest

from runtime.agents.memory.chat_memory import Memory
from runtime.agents.memory.memory_mongo_db_chat import MemoryMongoDbChat
from runtime.agents.memory.memory_postgres_chat import MemoryPostgresChat
from runtime.agents.memory.memory_redis_chat import MemoryRedisChat
from runtime.contract import ActivityContext, NodeError
from runtime.values.postgres_text import format_query
from tests.database_servers import postgres_server, redis_server
from tests.databases import ServerDatabases
from tests.mongo_server import mongo_server

__all__ = ["postgres_server", "redis_server"]

HUMAN: Final = {"content": "hi ü", "additional_kwargs": {}, "response_metadata": {}}
AI: Final = {
    "content": "hello",
    "tool_calls": [],
    "additional_kwargs": {},
    "response_metadata": {},
    "invalid_tool_calls": [],
}
"""The data of two messages that n8n 2.41.1 stored."""
ADDED: Final = [
    {"role": "user", "content": "and 'now'?", "id": "run/question"},
    {"role": "assistant", "content": "now \\ then", "id": "run/answer"},
]


@pytest.fixture
def context(postgres_server: dict[str, Any], redis_server: dict[str, Any]) -> ActivityContext:
    databases = ServerDatabases({"postgres": postgres_server, "redis": redis_server})
    return cast(ActivityContext, SimpleNamespace(databases=databases, name="Memory"))


async def conversation(memory: Memory, context: ActivityContext, key: str, limit: int = 10) -> list[tuple[str, str]]:
    messages = cast("list[dict[str, str]]", await memory.load(context, {"key": key, "limit": limit}))
    return [(each["role"], each["content"]) for each in messages]


async def save_twice(memory: Memory, context: ActivityContext, key: str) -> None:
    """As an attempt and its repetition, which add each message once."""
    for _ in range(2):
        await memory.save(context, cast(Any, {"key": key, "messages": ADDED}))


async def test_a_conversation_in_postgres_goes_on(context: ActivityContext) -> None:
    memory = MemoryPostgresChat.bind({"tableName": "n8n_began"}, 1.3)
    async with context.databases.postgres() as session:
        await session.query(
            "CREATE TABLE n8n_began (id SERIAL PRIMARY KEY, session_id VARCHAR(255) NOT NULL, message JSONB NOT NULL)"
        )
        tool = {"type": "tool", "content": "x"}
        for key, message in (
            ("s", {"type": "human", **HUMAN}),
            ("s", {"type": "ai", **AI}),
            ("s", tool),
            ("other", tool),
        ):
            await session.query(
                format_query("INSERT INTO n8n_began (session_id, message) VALUES ($1, $2)", [key, message])
            )
    await save_twice(memory, context, "s")
    expected = [("user", "hi ü"), ("assistant", "hello"), ("user", "and 'now'?"), ("assistant", "now \\ then")]
    assert await conversation(memory, context, "s") == expected
    assert await conversation(memory, context, "s", 2) == expected[-2:]
    assert await conversation(memory, context, "'; drop table n8n_began; --") == []
    async with context.databases.postgres() as session:
        (result,) = await session.query("select message from n8n_began where session_id = 's' order by id desc limit 1")
    stored = json.loads(result.rows[0][0] or "")
    assert stored == {**AI, "type": "ai", "content": "now \\ then", "id": "run/answer"}


async def test_the_table_in_postgres_is_made_when_it_is_not_there(context: ActivityContext) -> None:
    memory = MemoryPostgresChat.bind({"tableName": "public.NewChats"}, 1.3)
    assert await conversation(memory, context, "s") == []
    await save_twice(memory, context, "s")
    assert len(await conversation(memory, context, "s")) == 2


async def test_a_conversation_in_redis_goes_on(context: ActivityContext) -> None:
    memory = MemoryRedisChat.bind({"sessionTTL": 100}, 1.5)
    async with context.databases.redis() as session:
        for type_, data in (("human", HUMAN), ("ai", AI)):
            await session.command("LPUSH", "chat", json.dumps({"type": type_, "data": data}))
    await save_twice(memory, context, "chat")
    expected = [("user", "hi ü"), ("assistant", "hello"), ("user", "and 'now'?"), ("assistant", "now \\ then")]
    assert await conversation(memory, context, "chat") == expected
    assert await conversation(memory, context, "chat", 2) == expected[-2:]
    async with context.databases.redis() as session:
        assert 0 < await session.command("TTL", "chat") <= 100
        newest = json.loads(await session.command("LINDEX", "chat", 0))
    assert newest == {"type": "ai", "data": {**AI, "content": "now \\ then", "id": "run/answer"}}


async def test_a_conversation_in_mongodb_goes_on() -> None:
    """In another database than the credential's, which the node names."""
    memory = MemoryMongoDbChat.bind({"databaseName": "chats"}, 1)
    began = [{"type": "human", "data": HUMAN}, {"type": "ai", "data": AI}, {"type": "tool", "data": {"content": "x"}}]
    with mongo_server("pw") as server:
        server.fill("chats", {"n8n_chat_histories": [{"sessionId": "5", "messages": began}, {"sessionId": "6"}]})
        databases = ServerDatabases({"mongoDb": server.credential("t8")})
        context = cast(ActivityContext, SimpleNamespace(databases=databases, name="Memory"))
        await save_twice(memory, context, "5")
        expected = [("user", "hi ü"), ("assistant", "hello"), ("user", "and 'now'?"), ("assistant", "now \\ then")]
        assert await conversation(memory, context, "5") == expected
        assert await conversation(memory, context, "5", 2) == expected[-2:]
        await save_twice(memory, context, "new")
        assert await conversation(memory, context, "new") == expected[-2:]
        assert await conversation(memory, context, "6") == await conversation(memory, context, "none") == []
        stored = server.documents["chats"]["n8n_chat_histories"].find_one({"sessionId": "5"})["messages"]
    assert stored[:3] == began
    assert stored[-1] == {"type": "ai", "data": {**AI, "content": "now \\ then", "id": "run/answer"}}


@pytest.mark.parametrize(
    ("memory", "version", "item", "session"),
    [
        (MemoryPostgresChat.bind({}, 1.3), 1.3, {"sessionId": "sess"}, "sess"),
        (
            MemoryPostgresChat.bind({"sessionIdType": "customKey", "sessionKey": "k"}, 1.3),
            1.3,
            {"sessionId": "sess"},
            "k",
        ),
        (MemoryRedisChat.bind({"sessionKey": "k"}, 1), 1, {"sessionId": "sess"}, "k"),
        (MemoryMongoDbChat.bind({}, 1), 1, {"sessionId": 5}, "5"),
        (MemoryMongoDbChat.bind({"sessionIdType": "customKey", "sessionKey": "k"}, 1.1), 1.1, {"sessionId": "x"}, "k"),
        (MemoryRedisChat.bind({}, 1.5), 1.5, {"sessionId": "sess"}, "sess"),
    ],
)
def test_the_session_is_the_one_of_n8n(memory: Memory, version: float, item: dict[str, Any], session: str) -> None:
    assert memory.key("workflow", memory.session("Memory", version, item)) == session


@pytest.mark.parametrize("table", ["my table; x", "a.b.c", "1a", "", 'a"b'])
def test_a_table_that_has_no_name_of_a_table_is_refused_as_in_n8n(table: str) -> None:
    memory = MemoryPostgresChat.bind({"tableName": table}, 1.3)
    with pytest.raises(NodeError) as caught:
        memory.session("Memory", 1.3, {"sessionId": "s"})
    assert (caught.value.message, caught.value.description) == (
        "Error in sub-node Memory",
        f'Invalid table name "{table}"',
    )


def test_an_empty_key_is_refused_as_in_n8n() -> None:
    memory = MemoryPostgresChat.bind({"sessionIdType": "customKey", "sessionKey": ""}, 1.3)
    with pytest.raises(NodeError) as caught:
        memory.session("Memory", 1.3, {"sessionId": "s"})
    assert caught.value.description == "Key parameter is empty"
