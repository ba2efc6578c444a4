"""Postgres 2 to 2.7: a query, or an operation on the rows of a table."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from runtime.contract import Activity, ActivityContext, Dynamic, Item, Items, NodeError, Outputs, param
from runtime.contract.capabilities import SqlSession
from runtime.nodes.postgres import statements
from runtime.nodes.postgres.execution import Execution, operation_error
from runtime.nodes.postgres.query_values import query_values
from runtime.nodes.postgres.statements import ColumnInfo, Statement
from runtime.values.javascript import js_number, js_string, truthy
from runtime.values.parameters import entries, located, names
from runtime.values.postgres_text import format_query
from schemas.facts import CredentialUse
from schemas.item import UNDEFINED
from schemas.sql import DatabaseError

_DATABASE: Final = {"resource": ["database"]}
_OLD: Final = {"@version": [2, 2.1]}
_NEW: Final = {"@version": [{"_cnd": {"gte": 2.2}}]}
_WRITES: Final = ["insert", "update", "upsert"]
_FILTERED: Final = {"operation": ["select"], **_DATABASE}
_DELETE: Final = {"operation": ["deleteTable"], **_DATABASE}
_DEFAULT_SECONDS: Final = 30.0


class Postgres(Activity):
    """One connection per run of the step. `schema` and `table` are resource locators."""

    type = "n8n-nodes-base.postgres"
    versions = (2, 2.1, 2.2, 2.3, 2.4, 2.5, 2.6, 2.7)
    usable_as_tool = True
    credential_uses = (CredentialUse("postgres"),)
    differs = (
        "a connection lasts for one run of the step, a query for 300 seconds, and a result has at most 100,000 rows and 64 MB; "
        "SSH tunnels and COPY are not supported; timestamps without a zone are read in UTC"
    )

    resource: Literal["database"] = param("database")
    operation: Literal["deleteTable", "executeQuery", "insert", "upsert", "select", "update"] = param(
        "insert", show=_DATABASE
    )
    schema_: Dynamic[Any] = param(
        {"mode": "list", "value": "public"}, alias="schema", hide={"operation": ["executeQuery"]}, required=True
    )
    table: Dynamic[Any] = param({"mode": "list", "value": ""}, hide={"operation": ["executeQuery"]}, required=True)
    query: Dynamic[str] = param(
        "", show={**_DATABASE, "operation": ["executeQuery"]}, required=True, resolvables="text"
    )
    delete_command: Literal["truncate", "delete", "drop"] = param("truncate", show=_DELETE)
    restart_sequences: Dynamic[bool] = param(False, show={"deleteCommand": ["truncate"], **_DELETE})
    where: Dynamic[Any] = param({}, show=_FILTERED)
    delete_where: Dynamic[Any] = param({}, alias="where", show={"deleteCommand": ["delete"], **_DELETE})
    combine_conditions: Literal["AND", "OR"] = param("AND", show=_FILTERED)
    combine_delete_conditions: Literal["AND", "OR"] = param(
        "AND", alias="combineConditions", show={"deleteCommand": ["delete"], **_DELETE}
    )
    return_all: Dynamic[bool] = param(False, show=_FILTERED)
    limit: Dynamic[float] = param(50, show={"returnAll": [False], **_FILTERED})
    sort: Dynamic[Any] = param({}, show=_FILTERED)
    data_mode: Literal["autoMapInputData", "defineBelow"] = param(
        "autoMapInputData", show={**_OLD, **_DATABASE, "operation": _WRITES}
    )
    column_to_match_on: Dynamic[str] = param(
        "", show={**_OLD, **_DATABASE, "operation": ["update", "upsert"]}, required=True
    )
    value_to_match_on: Dynamic[Any] = param(
        "", show={"dataMode": ["defineBelow"], **_OLD, **_DATABASE, "operation": ["update", "upsert"]}
    )
    values_to_send: Dynamic[Any] = param(
        {}, show={"dataMode": ["defineBelow"], **_OLD, **_DATABASE, "operation": _WRITES}
    )
    columns: Dynamic[Any] = param(
        {"mappingMode": "defineBelow", "value": None},
        show={**_NEW, **_DATABASE, "operation": _WRITES},
        required=True,
        whole=True,
    )
    options: Dynamic[dict[str, Any]] = param({}, resolvables={"queryReplacement": "parts"})

    def mutation(self, version: float) -> str | None:
        """Return what is written; of a query it is not known that it only reads."""
        del version
        return None if self.operation == "select" else "its statements"

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Prepare a statement per item, then run all of them."""
        options = context.resolve(self, 0).options if items else self.options
        seconds = js_number(options.get("connectionTimeout", _DEFAULT_SECONDS))
        try:
            async with context.databases.postgres(
                connect_seconds=seconds if seconds > 0 else _DEFAULT_SECONDS
            ) as session:
                prepared = await self._prepare(context, session, items)
                execution = Execution(
                    context,
                    session,
                    large_numbers=options.get("largeNumbersOutput") == "numbers",
                    empty_is_success=context.version < 2.3 and self.operation == "executeQuery",
                )
                return [await execution.run(prepared, js_string(options.get("queryBatching") or "single"))]
        except DatabaseError as error:
            raise operation_error(error, None) from error

    async def _prepare(self, context: ActivityContext, session: SqlSession, items: Items) -> list[Statement]:
        prepared = []
        tables = _Tables(session)
        for i, item in enumerate(items):
            try:
                node = context.resolve(self, i)
                if self.operation == "executeQuery":
                    prepared.append(node.query_statement(context.version, given=self.options.get("queryReplacement")))
                else:
                    prepared.append(await node.statement(context.version, item, tables))
            except NodeError as error:
                error.item = i if error.item is None else error.item
                raise
        return prepared

    async def statement(self, version: float, item: Item, tables: "_Tables") -> Statement:
        """Return the statement of an item, with resolved parameters. Raise NodeError, DatabaseError."""
        schema, table = located(self.schema_), located(self.table)
        if self.operation == "select":
            return statements.select(
                schema,
                table,
                columns=names(self.options.get("outputColumns")),
                where=entries(self.where),
                combine=self.combine_conditions,
                sort=entries(self.sort),
                limit=None if self.return_all else js_number(self.limit),
            )
        if self.operation == "deleteTable":
            statement = statements.delete(
                schema,
                table,
                self.delete_command,
                cascade=truthy(self.options.get("cascade")),
                restart=truthy(self.restart_sequences) if self.delete_command == "truncate" else False,
            )
            if self.delete_command == "delete":
                statements.conditions(entries(self.delete_where), self.combine_delete_conditions, statement)
            return statement
        return await self._write(version, item, tables, schema, table)

    def query_statement(self, version: float, *, given: Any) -> Statement:
        """Return the query of an item; `given`: its parameters as written. Raise NodeError."""
        values = query_values(self.options.get("queryReplacement"), version, js_string(given)) if truthy(given) else []
        if truthy(self.options.get("replaceEmptyStrings")):
            values = [None if value == "" else value for value in values]
        quoted = truthy(self.options.get("treatQueryParametersInSingleQuotesAsText"))
        return Statement(js_string(self.query), values, quoted_is_text=quoted)

    async def _write(self, version: float, item: Item, tables: "_Tables", schema: str, table: str) -> Statement:
        row, match = self._row(version, item)
        if truthy(self.options.get("replaceEmptyStrings")):
            row = {name: None if value == "" else value for name, value in row.items()}
        known = await tables.columns(schema, table)
        returning = names(self.options.get("outputColumns"))
        if self.operation == "insert":
            row = statements.check_row(row, known)
            return statements.insert(
                schema, table, row, skip=truthy(self.options.get("skipOnConflict")), returning=returning
            )
        if self.operation == "update":
            if not await tables.has_row(schema, table, row, match):
                found = ", ".join(f"{name}={_shown(row, name)}" for name in match)
                raise NodeError(
                    "The row you are trying to update doesn't exist",
                    description=f'No rows matching the provided values ({found}) were found in the table "{table}".',
                )
            row = statements.check_row(row, known)
            if not set(row) - set(match):
                raise NodeError(
                    "Add values to update to the input item or set the 'Data Mode' to 'Define Below' to define the values to "
                    "update."
                )
            return statements.update(schema, table, row, match, returning=returning)
        row = statements.check_row(row, known)
        if not set(row) - set(match):
            raise NodeError(
                "Add values to update or insert to the input item or set the 'Data Mode' to 'Define Below' to define the values "
                "to insert or update."
            )
        return statements.insert(schema, table, row, match=match, returning=returning)

    def _row(self, version: float, item: Item) -> tuple[dict[str, Any], list[str]]:
        """Return the row of an item, and the columns by which a row is found."""
        if version < 2.2:  # a typeVersion
            match = [js_string(self.column_to_match_on)] if self.operation != "insert" else []
            if self.data_mode == "autoMapInputData":
                return dict(item["json"]), match
            row = {js_string(each.get("column", UNDEFINED)): each.get("value") for each in entries(self.values_to_send)}
            return row | dict.fromkeys(match, self.value_to_match_on), match
        mapping = self.columns if isinstance(self.columns, Mapping) else {}
        match = names(mapping.get("matchingColumns")) if self.operation != "insert" else []
        if mapping.get("mappingMode") == "autoMapInputData":
            return dict(item["json"]), match
        value = mapping.get("value")
        return dict(value) if isinstance(value, Mapping) else {}, match


class _Tables:
    """What a step asks the server about tables, each once."""

    def __init__(self, session: SqlSession) -> None:
        self._session = session
        self._columns: dict[tuple[str, str], Mapping[str, ColumnInfo]] = {}

    async def columns(self, schema: str, table: str) -> Mapping[str, ColumnInfo]:
        """Return the columns of a table by name; none of a table that is not there."""
        if (schema, table) not in self._columns:
            text = (
                "SELECT column_name, data_type, is_nullable FROM information_schema.columns "
                "WHERE table_schema = $1 AND table_name = $2 ORDER BY ordinal_position"
            )
            (result,) = await self._session.query(format_query(text, [schema, table]))
            self._columns[schema, table] = {
                str(name): ColumnInfo(str(type_), nullable == "YES") for name, type_, nullable in result.rows
            }
        return self._columns[schema, table]

    async def has_row(self, schema: str, table: str, row: Mapping[str, Any], match: list[str]) -> bool:
        """Return whether a row has the values of the columns `match`."""
        statement = statements.row_exists(schema, table, row, match)
        (result,) = await self._session.query(format_query(statement.text, statement.values))
        return bool(result.rows) and result.rows[0][0] == "t"


def _shown(row: Mapping[str, Any], name: str) -> str:
    return js_string(row[name]) if name in row else "undefined"
