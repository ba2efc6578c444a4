"""Data Table: rows of typed columns that the tenant keeps, and the tables themselves."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, cast

from runtime.contract import Activity, ActivityContext, Dynamic, Item, Items, NodeError, Outputs, Store, param
from runtime.values.tables import SYSTEM, Column, Row, Table, TableCondition, TableError, moment
from schemas.item import Json

_ROW: Final = {"resource": ["row"]}
_TABLE: Final = {"resource": ["table"]}
_FILTERED: Final = ["deleteRows", "get", "rowExists", "rowNotExists", "update", "upsert"]
_NAMED: Final = {"resource": ["table"], "operation": ["clear", "delete", "update"]}
_GET: Final = {"resource": ["row"], "operation": ["get"]}
_LIST: Final = {"resource": ["table"], "operation": ["list"]}
_NO_ROW: Final = dict.fromkeys(("id", "createdAt", "updatedAt"))


class DataTable(Activity):
    """Operations on rows and tables, item after item. All changes of one run of the step are one transaction, which
    happens once whatever dies.
    """

    type = "n8n-nodes-base.dataTable"
    versions = (1, 1.1)
    usable_as_tool = True
    differs = "tables belong to the tenant (`tempor8 tables`); all that one run of the step changes is committed together or not at all"

    resource: Literal["row", "table"] = param("row")
    operation: Literal["deleteRows", "get", "rowExists", "rowNotExists", "insert", "update", "upsert"] = param(
        "insert", show=_ROW
    )
    table_operation: Literal["clear", "create", "delete", "list", "update"] = param(
        "list", alias="operation", show=_TABLE
    )
    data_table_id: Dynamic[Any] = param({"mode": "list", "value": ""}, show=_ROW, required=True, label="Data table")
    named_table: Dynamic[Any] = param(
        {"mode": "list", "value": ""}, alias="dataTableId", show=_NAMED, required=True, label="Data table"
    )
    match_type: Literal["anyCondition", "allConditions"] = param(
        "anyCondition", show={"resource": ["row"], "operation": _FILTERED}
    )
    filters: Dynamic[Any] = param({}, show={"resource": ["row"], "operation": _FILTERED})
    columns: Dynamic[Any] = param(
        {"mappingMode": "defineBelow", "value": None},
        show={"resource": ["row"], "operation": ["insert", "update", "upsert"]},
        required=True,
    )
    return_all: Dynamic[bool] = param(False, show=_GET)
    limit: Dynamic[float] = param(50, show={**_GET, "returnAll": [False]})
    order_by: Dynamic[bool] = param(False, show=_GET)
    order_by_column: Dynamic[str] = param("createdAt", show={**_GET, "orderBy": [True]})
    order_by_direction: Literal["ASC", "DESC"] = param("DESC", show={**_GET, "orderBy": [True]})
    table_name: Dynamic[str] = param(
        "", show={"resource": ["table"], "operation": ["create"]}, required=True, label="Name"
    )
    new_columns: Dynamic[Any] = param({}, alias="columns", show={"resource": ["table"], "operation": ["create"]})
    return_all_tables: Dynamic[bool] = param(True, alias="returnAll", show=_LIST)
    table_limit: Dynamic[float] = param(50, alias="limit", show={**_LIST, "returnAll": [False]})
    new_name: Dynamic[str] = param("", show={"resource": ["table"], "operation": ["update"]}, required=True)
    options: Dynamic[dict[str, Any]] = param({})

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Return what each item finds or changes, one after the other."""

        async def work(store: Store) -> Json:
            if self.resource == "row" and self.operation == "insert" and self.options.get("optimizeBulk"):
                return [await self._bulk(context, store, items)]
            outputs: Items = []
            for i, item in enumerate(items):
                node = context.resolve(self, i)
                try:
                    rows = await node.json_of_item(context, store, item)
                except TableError as error:
                    if not context.continue_on_fail:
                        raise NodeError(str(error), item=i) from error
                    rows = [{"error": str(error)}]
                outputs += ({"json": json, "pairedItem": {"item": i}} for json in rows)
            return [outputs]

        return cast(Outputs, await context.data_store.run_once(work))

    async def _bulk(self, context: ActivityContext, store: Store, items: Items) -> Items:
        count = 0
        for i, item in enumerate(items):
            try:
                await context.resolve(self, i).json_of_item(context, store, item)
            except TableError as error:
                raise NodeError(str(error), item=i) from error
            count += 1
        return [{"json": {"success": True, "insertedRows": count}}]

    async def json_of_item(self, context: ActivityContext, store: Store, item: Item) -> list[dict[str, Any]]:
        """Return the JSON of the items that this item becomes. Raise TableError."""
        now = moment(context.now)
        if self.resource == "table":
            return await self._on_tables(store, now)
        table = await store.open((await _find(store, self.data_table_id)).id)
        if self.operation == "insert":
            return [table.insert(self._values(item), now)]
        rows = table.select(self._conditions(), every=self.match_type == "allConditions")
        if self.operation == "get":
            return self._page(table, rows)
        if self.operation in ("rowExists", "rowNotExists"):
            return [item["json"]] if bool(rows) == (self.operation == "rowExists") else []
        dry = bool(self.options.get("dryRun"))
        if self.operation == "deleteRows":
            if not dry:
                table.delete(rows)
                return rows
            nothing = _NO_ROW | dict.fromkeys(column.name for column in table.columns)
            return _dry(rows, [nothing] * len(rows))
        values = self._values(item)
        if self.operation == "upsert" and not rows:
            if not dry:
                return [table.insert(values, now)]
            row = {"id": 0, "createdAt": now, "updatedAt": now} | table.validate(values)
            return _dry([_NO_ROW | dict.fromkeys(values)], [row])
        after = table.update(rows, values, now, dry=dry)
        return _dry(rows, after) if dry else after

    async def _on_tables(self, store: Store, now: str) -> list[dict[str, Any]]:
        if self.table_operation == "list":
            return self._listed([_describe(table) for table in await store.tables()])
        if self.table_operation == "create":
            there = next((table for table in await store.tables() if table.name == self.table_name), None)
            if there is not None:
                if not self.options.get("createIfNotExists"):
                    raise TableError(f"Data table with name '{self.table_name}' already exists in this project")
                return [_describe(there)]
            columns = [
                Column(each.get("name", ""), each.get("type", "string"))
                for each in _entries(self.new_columns, "column")
            ]
            return [_describe(await store.create(self.table_name, columns, now))]
        table = await _find(store, self.named_table)
        if self.table_operation == "clear":
            return [{"success": True, "deletedCount": (await store.open(table.id)).clear()}]
        if self.table_operation == "delete":
            await store.drop(table.id)
            return [{"success": True, "deletedTableId": self.named_table.get("value")}]
        if any(each.name == self.new_name for each in await store.tables()):
            raise TableError(f"Data table with name '{self.new_name}' already exists in this project")
        await store.rename(table.id, self.new_name, now)
        return [{"success": True, "name": self.new_name}]

    def _listed(self, tables: list[dict[str, Any]]) -> list[dict[str, Any]]:
        part = str(self.options.get("filterName") or "").lower()
        matches = [table for table in tables if part in table["name"].lower()]
        field = {"size": "name"}.get(self.options.get("sortField") or "name", self.options.get("sortField") or "name")
        matches.sort(key=lambda table: str(table.get(field)), reverse=self.options.get("sortDirection") == "desc")
        return matches if self.return_all_tables else matches[: int(self.table_limit)]

    def _page(self, table: Table, rows: list[Row]) -> list[dict[str, Any]]:
        if self.order_by:
            rows = table.ordered(rows, self.order_by_column, descending=self.order_by_direction != "ASC")
        return list(rows) if self.return_all else rows[: int(self.limit)]

    def _conditions(self) -> list[TableCondition]:
        return [
            TableCondition(each.get("keyName", "id"), each.get("condition", "eq"), each.get("keyValue", ""))
            for each in _entries(self.filters, "conditions")
        ]

    def _values(self, item: Item) -> Mapping[str, Any]:
        mapping = self.columns if isinstance(self.columns, Mapping) else {}
        if mapping.get("mappingMode") == "autoMapInputData":
            return {name: value for name, value in item["json"].items() if name not in SYSTEM}
        return dict(mapping.get("value") or {})


async def _find(store: Store, locator: Any) -> Table:
    """Return the table of a resource locator: by its id, or by the name that the editor cached with a foreign id."""
    reference = locator if isinstance(locator, Mapping) else {"mode": "id", "value": locator}
    value = reference.get("value")
    tables = await store.tables()
    if reference.get("mode") == "name":
        match = next((table for table in tables if table.name == value), None)
        if match is None:
            raise TableError(f'Data table with name "{value}" not found')
        return match
    remembered = reference.get("cachedResultName")
    by_id = (table for table in tables if table.id == value)
    by_name = (table for table in tables if remembered and table.name == remembered)
    match = next(by_id, None) or next(by_name, None)
    if match is None:
        known = ", ".join(table.name for table in tables) or "none"
        named = f" (named '{remembered}' in n8n)" if remembered else ""
        raise TableError(
            f"Data table with ID '{value}' could not be found in this project{named}. Make it with `tempor8 tables create`; "
            f"there are now: {known}"
        )
    return match


def _entries(value: Any, name: str) -> Iterator[Mapping[str, Any]]:
    entries = value.get(name) if isinstance(value, Mapping) else None
    for each in entries if isinstance(entries, list) else ():
        if isinstance(each, Mapping):
            yield each


def _dry(before: list[Row], after: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {**row, "dryRunState": state}
        for pair in zip(before, after, strict=True)
        for row, state in zip(pair, ("before", "after"), strict=True)
    ]


def _describe(table: Table) -> dict[str, Any]:
    columns = [{"name": each.name, "type": each.type, "index": i} for i, each in enumerate(table.columns)]
    columns.sort(key=lambda each: str(each["name"]))
    return {
        "id": table.id,
        "name": table.name,
        "createdAt": table.created_at,
        "updatedAt": table.updated_at,
        "columns": columns,
    }
