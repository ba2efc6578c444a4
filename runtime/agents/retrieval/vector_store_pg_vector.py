"""Postgres PGVector Store: a table with pgvector on a server of the tenant's."""

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

from runtime.agents.models.chat_model import model_id
from runtime.agents.retrieval.splitting import Document
from runtime.agents.retrieval.store_insert import StoreInsert, StoreUpdate
from runtime.agents.retrieval.store_load import StoreLoad
from runtime.agents.retrieval.store_parts import StoreSubNode, StoreTool
from runtime.agents.retrieval.vector_store import Match, VectorStore
from runtime.contract import ActivityContext, Dynamic, NodeError, param
from runtime.values.postgres_text import format_query, identifier, literal
from schemas.facts import CredentialUse
from schemas.node import Conditions
from schemas.sql import DatabaseError

if TYPE_CHECKING:
    from runtime.contract.capabilities import SqlSession

DISTANCES: Final = {"cosine": "<=>", "innerProduct": "<#>", "euclidean": "<->"}
"""Strategy -> pgvector's operator."""
_TABLE: Final = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?", re.ASCII)
_COLUMNS: Final = {"id": "id", "vector": "embedding", "content": "text", "metadata": "metadata"}


class PgVector(VectorStore):
    """The extension and the table are made when they are not there. The table's name is not quoted, as n8n does not, so that
    capitals do not count.
    """

    credential_uses = (CredentialUse("postgres"),)

    table_name: Dynamic[Any] = param("n8n_vectors")
    options: Dynamic[dict[str, Any]] = param({})

    async def add(
        self,
        context: ActivityContext,
        documents: Sequence[Document],
        vectors: Sequence[Sequence[float]],
        ids: Sequence[str],
    ) -> None:
        """See `VectorStore`. Ids are ours where the column takes a UUID; else the table gives them."""
        columns = self._columns()
        try:
            async with context.databases.postgres() as session:
                collection = await self._prepare(session)
                own = await self._type(session, columns["id"]) == "uuid"
                names = [columns["content"], columns["vector"], columns["metadata"]]
                names += ["collection_id"] if collection else []
                names += [columns["id"]] if own else []
                rows = [
                    [
                        each["pageContent"], _vector(vector), json.dumps(each["metadata"], ensure_ascii=False),
                        *([collection] if collection else []), *([id_] if own else []),
                    ]
                    for id_, vector, each in zip(ids, vectors, documents, strict=True)
                ]  # fmt: skip
                values = ", ".join(f"({', '.join(literal(value) for value in row)})" for row in rows)
                into = f"{self._table()} ({identifier(names)})"
                await session.query(f"INSERT INTO {into} VALUES {values} ON CONFLICT DO NOTHING")  # noqa: S608 - quoted
        except DatabaseError as error:
            raise NodeError(error.message) from error

    async def nearest(self, context: ActivityContext, vector: Sequence[float], k: int) -> list[Match]:
        """See `VectorStore`. The score is the distance: the nearest document has the smallest."""
        columns = self._columns()
        try:
            async with context.databases.postgres() as session:
                collection = await self._prepare(session)
                wanted = [f"{identifier(columns['metadata'])} ->> {literal(name)} = {literal(str(value))}"
                          for name, value in self.metadata_filter().items()]  # fmt: skip
                wanted += [format_query("collection_id = $1", [collection])] if collection else []
                where = f"WHERE {' AND '.join(wanted)}" if wanted else ""
                operator = DISTANCES.get(str(self.option("distanceStrategy", "cosine")), DISTANCES["cosine"])
                picked = ", ".join(identifier(columns[name]) for name in ("id", "content", "metadata"))
                distance = f"{identifier(columns['vector'])} {operator} {literal(_vector(vector))}"
                (result,) = await session.query(
                    f"SELECT {picked}, {distance} AS distance "  # noqa: S608 - quoted
                    f"FROM {self._table()} {where} ORDER BY distance ASC LIMIT {int(k)}"
                )
        except DatabaseError as error:
            raise NodeError(error.message) from error
        return [_match(row) for row in result.rows]

    def _columns(self) -> dict[str, str]:
        named = (self.option("columnNames") or {}).get("values") or {}
        return {name: str(named.get(f"{name}ColumnName") or default) for name, default in _COLUMNS.items()}

    def _table(self) -> str:
        return _name(model_id(self.table_name))

    async def _prepare(self, session: "SqlSession") -> str | None:
        """Make what is not there: the extension, the table, the collection. Return the collection's id; None: there is none."""
        if await _missing(session, self._table()):
            columns = {name: identifier(column) for name, column in self._columns().items()}
            await session.query(
                "CREATE EXTENSION IF NOT EXISTS vector;"
                f"CREATE TABLE IF NOT EXISTS {self._table()} ("
                f"{columns['id']} uuid NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY, {columns['content']} text, "
                f"{columns['metadata']} jsonb, {columns['vector']} vector)"
            )
        chosen = (self.option("collection") or {}).get("values") or {}
        if not chosen.get("useCollection"):
            return None
        table = _name(str(chosen.get("collectionTableName") or "n8n_vector_collections"))
        if await _missing(session, table):
            await session.query(
                f"CREATE TABLE IF NOT EXISTS {table} (uuid uuid NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY, "
                "name character varying, cmetadata jsonb)"
            )
        if await self._type(session, "collection_id") is None:
            await session.query(
                f"ALTER TABLE {self._table()} ADD COLUMN IF NOT EXISTS collection_id uuid "
                f"REFERENCES {table}(uuid) ON DELETE CASCADE"
            )
        name = str(chosen.get("collectionName") or "n8n")
        found = format_query(f"SELECT uuid FROM {table} WHERE name = $1", [name])  # noqa: S608 - the name is checked
        (result,) = await session.query(found)
        if not result.rows:
            await session.query(format_query(f"INSERT INTO {table} (name) VALUES ($1)", [name]))  # noqa: S608 - likewise
            (result,) = await session.query(found)
        return str(result.rows[0][0])

    async def _type(self, session: "SqlSession", column: str) -> str | None:
        """Return the type of a column of the table; None: there is no such column."""
        (result,) = await session.query(
            format_query(
                "SELECT format_type(atttypid, NULL) FROM pg_attribute "
                "WHERE attrelid = to_regclass($1) AND attname = $2 AND NOT attisdropped",
                [self._table(), column],
            )
        )
        return str(result.rows[0][0]) if result.rows else None


async def _missing(session: "SqlSession", table: str) -> bool:
    """Return whether a table is not there: who may make none can still use one."""
    (result,) = await session.query(format_query("SELECT to_regclass($1)", [table]))
    return bool(result.rows) and result.rows[0][0] is None


def _name(text: str) -> str:
    if not _TABLE.fullmatch(text):
        raise NodeError(f'Invalid table name "{text}"')
    return text


def _vector(values: Sequence[float]) -> str:
    return f"[{','.join(str(float(each)) for each in values)}]"


def _match(row: Sequence[Any]) -> Match:
    id_, content, metadata, distance = row
    document: dict[str, Any] = {"pageContent": content or "", "metadata": json.loads(metadata or "{}")}
    if id_ is not None:
        document["id"] = id_
    return document, float(distance)


class PgVectorInsert(PgVector, StoreInsert):
    """Insert documents."""

    type = "@n8n/n8n-nodes-langchain.vectorStorePGVector"
    when: ClassVar[Conditions] = {"mode": ["insert"]}


class PgVectorUpdate(PgVector, StoreUpdate):
    """n8n has no update for this store: the step says so."""

    type = "@n8n/n8n-nodes-langchain.vectorStorePGVector"
    when: ClassVar[Conditions] = {"mode": ["update"]}


class PgVectorLoad(PgVector, StoreLoad):
    """Find documents near a prompt."""

    type = "@n8n/n8n-nodes-langchain.vectorStorePGVector"
    when: ClassVar[Conditions] = {"mode": ["load"]}


class PgVectorSubNode(PgVector, StoreSubNode):
    """The store of a retriever or a tool."""

    type = "@n8n/n8n-nodes-langchain.vectorStorePGVector"
    when: ClassVar[Conditions] = {"mode": ["retrieve"]}


class PgVectorTool(PgVector, StoreTool):
    """Documents near a question, as a tool of an agent."""

    type = "@n8n/n8n-nodes-langchain.vectorStorePGVector"
    when: ClassVar[Conditions] = {"mode": ["retrieve-as-tool"]}
