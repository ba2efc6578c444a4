"""MySQL 2 to 2.5: a query, or an operation on the rows of a table."""

from typing import Any, Final, Literal

from runtime.contract import Activity, ActivityContext, Dynamic, Item, Items, NodeError, Outputs, param
from runtime.nodes.my_sql import statements
from runtime.nodes.my_sql.execution import Execution, operation_error
from runtime.nodes.my_sql.formatting import format_query
from runtime.values.javascript import js_number, js_string, truthy
from runtime.values.parameters import entries, located, names
from schemas.facts import CredentialUse
from schemas.item import UNDEFINED
from schemas.sql import DatabaseError

_DATABASE: Final = {"resource": ["database"]}
_WRITES: Final = ["insert", "update", "upsert"]
_MATCHES: Final = {**_DATABASE, "operation": ["update", "upsert"]}
_SELECT: Final = {**_DATABASE, "operation": ["select"]}
_DELETE: Final = {**_DATABASE, "operation": ["deleteTable"]}
_DEFAULT_SECONDS: Final = 30.0
_NO_LIST: Final = "Query Replacement must be a string of comma-separated values, or an array of values"


class MySql(Activity):
    """One connection per run of the step. `table` is a resource locator."""

    type = "n8n-nodes-base.mySql"
    versions = (2, 2.1, 2.2, 2.3, 2.4, 2.5)
    usable_as_tool = True
    credential_uses = (CredentialUse("mySql"),)
    differs = (
        "a connection lasts for one run of the step, a query for 300 seconds, and a result has at most 100,000 rows and 64 MB; "
        "SSH tunnels and client certificates are not supported; JSON columns of MariaDB are text"
    )

    resource: Literal["database"] = param("database")
    operation: Literal["deleteTable", "executeQuery", "insert", "upsert", "select", "update"] = param(
        "insert", show=_DATABASE
    )
    table: Dynamic[Any] = param({"mode": "list", "value": ""}, hide={"operation": ["executeQuery"]}, required=True)
    query: Dynamic[str] = param(
        "", show={**_DATABASE, "operation": ["executeQuery"]}, required=True, resolvables="text"
    )
    delete_command: Literal["truncate", "delete", "drop"] = param("truncate", show=_DELETE)
    where: Dynamic[Any] = param({}, show=_SELECT)
    delete_where: Dynamic[Any] = param({}, alias="where", show={"deleteCommand": ["delete"], **_DELETE})
    combine_conditions: Literal["AND", "OR"] = param("AND", show=_SELECT)
    combine_delete_conditions: Literal["AND", "OR"] = param(
        "AND", alias="combineConditions", show={"deleteCommand": ["delete"], **_DELETE}
    )
    return_all: Dynamic[bool] = param(False, show=_SELECT)
    limit: Dynamic[float] = param(50, show={"returnAll": [False], **_SELECT})
    sort: Dynamic[Any] = param({}, show=_SELECT)
    data_mode: Literal["autoMapInputData", "defineBelow"] = param(
        "autoMapInputData", show={**_DATABASE, "operation": _WRITES}
    )
    column_to_match_on: Dynamic[str] = param("", show=_MATCHES, required=True, label="Column to Match On")
    value_to_match_on: Dynamic[Any] = param("", show={"dataMode": ["defineBelow"], **_MATCHES})
    values_to_send: Dynamic[Any] = param({}, show={"dataMode": ["defineBelow"], **_DATABASE, "operation": _WRITES})
    options: Dynamic[dict[str, Any]] = param({})

    def mutation(self, version: float) -> str | None:
        """Return what is written; of a query it is not known that it only reads."""
        del version
        return None if self.operation == "select" else "its statements"

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Prepare the statements, then run all of them."""
        options = context.resolve(self, 0).options if items else self.options
        seconds = js_number(options.get("connectionTimeoutMillis", _DEFAULT_SECONDS))
        batching = js_string(options.get("queryBatching") or "single")
        prepared = self._prepare(context, items, batching)
        try:
            async with context.databases.mysql(
                connect_seconds=seconds if 1 <= seconds <= _DEFAULT_SECONDS else _DEFAULT_SECONDS
            ) as session:
                execution = Execution(
                    context,
                    session,
                    detailed=truthy(options.get("detailedOutput")),
                    decimals=truthy(options.get("decimalNumbers")),
                    empty_is_success=context.version < 2.3 and self.operation == "executeQuery",
                )
                return [await execution.run(prepared, batching)]
        except DatabaseError as error:
            raise operation_error(error) from error

    def _prepare(self, context: ActivityContext, items: Items, batching: str) -> list[str]:
        nodes = [context.resolve(self, i) for i in range(len(items))]
        if self.operation == "insert" and batching == "single" and items:
            rows = [node.row(item) for node, item in zip(nodes, items, strict=True)]
            return [nodes[0].insert_statement(rows)]
        prepared = []
        for i, (node, item) in enumerate(zip(nodes, items, strict=True)):
            try:
                prepared.append(node.statement(item, written=self.options.get("queryReplacement")))
            except NodeError as error:
                error.item = i if error.item is None else error.item
                raise
        return prepared

    def statement(self, item: Item, *, written: Any) -> str:
        """Return the statement of an item; `written`: the values of its query before evaluation. Raise NodeError."""
        table = located(self.table)
        match self.operation:
            case "executeQuery":
                return format_query(js_string(self.query), self._values() if truthy(written) else [])
            case "select":
                return statements.select(
                    table,
                    columns=names(self.options.get("outputColumns")),
                    distinct=truthy(self.options.get("selectDistinct")),
                    where=entries(self.where),
                    combine=self.combine_conditions,
                    sort=entries(self.sort),
                    limit=None if self.return_all else js_number(self.limit),
                )
            case "insert":
                return self.insert_statement([self.row(item)])
            case "update":
                column = js_string(self.column_to_match_on)
                value = self.value_to_match_on if self.data_mode == "defineBelow" else item["json"].get(column)
                return statements.update(table, self.row(item), column, value)
            case "upsert":
                column = js_string(self.column_to_match_on)
                row = self.row(item)
                row = {column: self.value_to_match_on, **row} if self.data_mode == "defineBelow" else row
                return statements.upsert(table, row, column)
            case _:
                where = entries(self.delete_where) if self.delete_command == "delete" else []
                return statements.delete(table, self.delete_command, where, self.combine_delete_conditions)

    def insert_statement(self, rows: list[dict[str, Any]]) -> str:
        """Return the INSERT of these rows."""
        return statements.insert(
            located(self.table),
            rows,
            priority=js_string(self.options.get("priority") or ""),
            ignore=truthy(self.options.get("skipOnConflict")),
        )

    def row(self, item: Item) -> dict[str, Any]:
        """Return the row of an item."""
        if self.data_mode == "autoMapInputData":
            row = dict(item["json"])
        else:
            row = {js_string(each.get("column", UNDEFINED)): each.get("value") for each in entries(self.values_to_send)}
        if truthy(self.options.get("replaceEmptyStrings")):
            return {name: None if value == "" else value for name, value in row.items()}
        return row

    def _values(self) -> list[Any]:
        given = self.options.get("queryReplacement")
        if isinstance(given, str):
            given = [each.strip() for each in given.split(",")]
        if not isinstance(given, list):
            raise NodeError(_NO_LIST)
        if truthy(self.options.get("replaceEmptyStrings")):
            return [None if value == "" else value for value in given]
        return given
