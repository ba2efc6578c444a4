"""Postgres 1: a query, or rows inserted or updated by the names of their columns."""

from collections.abc import Sequence
from typing import Any, Final, Literal

from runtime.contract import Activity, ActivityContext, Dynamic, Items, NodeError, Outputs, param
from runtime.contract.capabilities import SqlSession
from runtime.nodes.postgres.values import rows_of
from runtime.values.javascript import js_string
from runtime.values.postgres_text import format_query, identifier, literal
from schemas.facts import CredentialUse
from schemas.sql import DatabaseError, SqlResult

_TABLE: Final = {"operation": ["insert", "update"]}


class PostgresV1(Activity):
    """`additionalFields.mode`: multiple (all items in one text), independently, transaction."""

    type = "n8n-nodes-base.postgres"
    versions = (1,)
    usable_as_tool = True
    credential_uses = (CredentialUse("postgres"),)
    differs = (
        "a connection lasts for one run of the step, a query for 300 seconds, and a result has at most 100,000 rows and 64 MB; "
        "SSH tunnels and COPY are not supported; timestamps without a zone are read in UTC"
    )

    operation: Literal["executeQuery", "insert", "update"] = param("insert")
    query: Dynamic[str] = param("", show={"operation": ["executeQuery"]}, required=True, resolvables="text")
    schema_: Dynamic[str] = param("public", alias="schema", show={"operation": ["insert"]}, required=True)
    update_schema: Dynamic[str] = param("public", alias="schema", show={"operation": ["update"]})
    table: Dynamic[str] = param("", show=_TABLE, required=True)
    update_key: Dynamic[str] = param("id", show={"operation": ["update"]}, required=True)
    columns: Dynamic[str] = param("", show=_TABLE)
    return_fields: Dynamic[str] = param("*", show=_TABLE)
    additional_fields: Dynamic[dict[str, Any]] = param({})

    def mutation(self, version: float) -> str | None:
        """Return what is written; of a query it is not known that it only reads."""
        del version
        return "its statements"

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Run all items; what fails under "Continue" becomes an item."""
        node = context.resolve(self, 0) if items else self
        mode = node.additional_fields.get("mode") or "multiple"
        try:
            async with context.databases.postgres() as session:
                rows = _Rows(
                    context, session, large_numbers=node.additional_fields.get("largeNumbersOutput") == "numbers"
                )
                if self.operation == "executeQuery":
                    texts = [self._text(context, items, i) for i in range(len(items))]
                    return [await rows.of(texts, js_string(mode), items)]
                texts = [node.row_statement(item["json"]) for item in items]
                if mode == "multiple" and items:
                    texts = [node.all_rows_statement([item["json"] for item in items])]
                    return [await rows.of_all(texts[0])]
                return [await rows.of(texts, js_string(mode), items)]
        except DatabaseError as error:
            raise _error(error) from error

    def _text(self, context: ActivityContext, items: Items, i: int) -> str:
        node = context.resolve(self, i)
        names = [each.strip() for each in js_string(node.additional_fields.get("queryParams") or "").split(",")]
        values = [items[i]["json"].get(name) for name in names if name]
        return format_query(js_string(node.query), values)

    def row_statement(self, json: dict[str, Any]) -> str:
        """Return the statement for one item. Raise DatabaseError."""
        if self.operation == "insert":
            return self.all_rows_statement([json])
        columns = self._columns()
        key, _, type_ = js_string(self.update_key).partition(":")
        assignments = ", ".join(f"{identifier(name)}={_value(json.get(name), cast)}" for name, cast in columns)
        where = f"{identifier(key.strip())}={_value(json.get(key.strip()), type_.strip())}"
        return f"UPDATE {self._target()} SET {assignments} WHERE {where} RETURNING {self._returning()}"

    def all_rows_statement(self, rows: Sequence[dict[str, Any]]) -> str:
        """Return one statement for all items. Raise DatabaseError."""
        columns = self._columns()
        if self.operation == "update":
            key, _, type_ = js_string(self.update_key).partition(":")
            columns = [(key.strip(), type_.strip()), *(each for each in columns if each[0] != key.strip())]
        values = ",".join(f"({','.join(_value(row.get(name), cast) for name, cast in columns)})" for row in rows)
        names = ",".join(identifier(name) for name, _ in columns)
        if self.operation == "insert":
            return f"INSERT INTO {self._target()}({names}) VALUES{values} RETURNING {self._returning()}"
        first = identifier(columns[0][0])
        assignments = ",".join(f"{identifier(name)}=v.{identifier(name)}" for name, _ in columns[1:])
        return (
            f"UPDATE {self._target()} AS t SET {assignments} FROM (VALUES{values}) AS v({names}) "
            f"WHERE v.{first} = t.{first} RETURNING {self._returning(of='t')}"
        )

    def _columns(self) -> list[tuple[str, str]]:
        """Return (name, cast) of each column of `columns`: `id:int, name`."""
        parts = [each.strip() for each in js_string(self.columns).split(",") if each.strip()]
        return [(name.strip(), cast.strip()) for name, _, cast in (each.partition(":") for each in parts)]

    def _target(self) -> str:
        schema = js_string(self.schema_ if self.operation == "insert" else self.update_schema)
        table = identifier(js_string(self.table))
        return f"{identifier(schema)}.{table}" if schema else table

    def _returning(self, of: str = "") -> str:
        fields = [each.strip() for each in js_string(self.return_fields).split(",") if each.strip()]
        if not fields or fields == ["*"]:
            return f"{of}.*" if of else "*"
        return ",".join(identifier(each) for each in fields)


class _Rows:
    """Runs texts and makes items of their rows."""

    def __init__(self, context: ActivityContext, session: SqlSession, *, large_numbers: bool) -> None:
        self._context, self._session, self._large_numbers = context, session, large_numbers

    async def of(self, texts: Sequence[str], mode: str, inputs: Items) -> Items:
        """Return the items of one text per input item; under "Continue" an input whose text fails goes on with its error."""
        if mode == "multiple":
            results = await self._session.query("\n;\n".join(texts))
            return [item for i, result in enumerate(results) for item in self._items(result, i)]
        if mode == "transaction":
            await self._session.query("BEGIN")
        items: Items = []
        for i, text in enumerate(texts):
            try:
                results = await self._session.query(text)
            except DatabaseError as error:
                if not self._context.continue_on_fail:
                    raise _error(error, i) from error
                failed = _error(error, i).to_json()
                items.append({"json": inputs[i]["json"], "error": failed, "pairedItem": {"item": i}})
                if mode == "transaction":
                    await self._session.query("ROLLBACK")
                    return items
            else:
                items += self._items(results[-1], i) if results else []
        if mode == "transaction":
            await self._session.query("COMMIT")
        return items

    async def of_all(self, text: str) -> Items:
        """Return the items of one text for all input items, each paired by its row."""
        (result,) = await self._session.query(text)
        rows = rows_of(result, large_numbers=self._large_numbers)
        return [{"json": row, "pairedItem": {"item": i}} for i, row in enumerate(rows)]

    def _items(self, result: SqlResult, i: int) -> Items:
        rows = rows_of(result, large_numbers=self._large_numbers)
        return [{"json": row, "pairedItem": {"item": i}} for row in rows]


def _value(value: Any, cast: str) -> str:
    text = literal(value)
    return f"{text}::{_type(cast)}" if cast else text


def _type(cast: str) -> str:
    """Return a type of `columns` as it was written, if it is one: a name, its size, brackets."""
    allowed = all(sign.isalnum() or sign in " _.()[]," for sign in cast)
    if not allowed:
        raise NodeError(
            f"{cast!r} is no type of a column", description="Write columns as name:type, for instance id:int"
        )
    return cast


def _error(error: DatabaseError, item: int | None = None) -> NodeError:
    facts = {"detail": error.detail, "hint": error.hint, "code": error.code}
    raised = NodeError(error.message, item=item, data={name: value for name, value in facts.items() if value})
    raised.name = "error"
    return raised
