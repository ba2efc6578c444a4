"""MySQL 1: a query per item, or rows inserted or updated by the names of their columns."""

from typing import Any, Final, Literal

from runtime.contract import Activity, ActivityContext, Dynamic, Items, NodeError, Outputs, param
from runtime.contract.capabilities import SqlSession
from runtime.nodes.my_sql import statements
from runtime.nodes.my_sql.values import acknowledgement, rows_of
from runtime.values.javascript import js_string, truthy
from runtime.values.parameters import located
from schemas.facts import CredentialUse
from schemas.sql import DatabaseError

_TABLE: Final = {"operation": ["insert", "update"]}


class MySqlV1(Activity):
    """A text holds one statement only."""

    type = "n8n-nodes-base.mySql"
    versions = (1,)
    usable_as_tool = True
    credential_uses = (CredentialUse("mySql"),)
    differs = (
        "items are done one after the other, a query lasts for 300 seconds, and a result has at most 100,000 rows and 64 MB; "
        "SSH tunnels and client certificates are not supported; JSON columns of MariaDB are text"
    )

    operation: Literal["executeQuery", "insert", "update"] = param("insert")
    query: Dynamic[str] = param("", show={"operation": ["executeQuery"]}, required=True, resolvables="text")
    table: Dynamic[Any] = param({"mode": "list", "value": ""}, show=_TABLE, required=True)
    columns: Dynamic[str] = param("", show=_TABLE)
    update_key: Dynamic[str] = param("id", show={"operation": ["update"]}, required=True)
    options: Dynamic[dict[str, Any]] = param({}, show={"operation": ["insert", "executeQuery"]})

    def mutation(self, version: float) -> str | None:
        """Return what is written; of a query it is not known that it only reads."""
        del version
        return "its statements"

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Return rows, or mysql2's object for what has none; under "Continue" one item with the error."""
        try:
            async with context.databases.mysql(several=False) as session:
                return [await self._items(context, session, items)]
        except DatabaseError as error:
            if context.continue_on_fail:
                return [[{"json": {"error": error.message}}]]
            facts = {"code": error.code} if error.code else {}
            raise NodeError(error.message, description=error.hint, data=facts) from error

    async def _items(self, context: ActivityContext, session: SqlSession, items: Items) -> Items:
        if self.operation == "insert":
            node = context.resolve(self, 0)
            (result,) = await session.query(node.insert_statement(items))
            return [{"json": acknowledgement(result), "pairedItem": {"item": 0}}]
        out: Items = []
        for i, item in enumerate(items):
            node = context.resolve(self, i)
            text = js_string(node.query) if self.operation == "executeQuery" else node.update_statement(item["json"])
            for result in await session.query(text):
                rows = rows_of(result, dates=True, lossy=True) if result.columns else [acknowledgement(result)]
                out += ({"json": row, "pairedItem": {"item": i}} for row in rows)
        return out

    def insert_statement(self, items: Items) -> str:
        """Return one INSERT for all items, of the columns that are named."""
        rows = [{name: item["json"].get(name) for name in self._columns()} for item in items]
        return statements.insert(
            located(self.table),
            rows,
            priority=js_string(self.options.get("priority") or ""),
            ignore=truthy(self.options.get("ignore")),
        )

    def update_statement(self, json: dict[str, Any]) -> str:
        """Return the UPDATE of the row that an item names."""
        key = js_string(self.update_key).strip()
        row = {name: json.get(name) for name in self._columns() if name != key}
        return statements.update(located(self.table), row, key, json.get(key))

    def _columns(self) -> list[str]:
        return [each.strip() for each in js_string(self.columns).split(",") if each.strip()]
