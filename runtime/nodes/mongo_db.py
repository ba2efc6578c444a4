"""MongoDB: documents of a server of the tenant's."""

import math
import re
import secrets
from collections.abc import Mapping
from typing import Any, Final, Literal

from runtime.contract import (
    Activity,
    ActivityContext,
    Dynamic,
    Item,
    Items,
    NodeError,
    Outputs,
    error_item,
    paired,
    param,
)
from runtime.contract.capabilities import MongoSession
from runtime.nodes.checkpoint import Checkpoint
from runtime.values.dates import Instant, date_parse
from runtime.values.javascript import js_number, js_string, truthy
from runtime.values.json_text import NotJsonError, parse_json
from runtime.values.paths import get, set_path
from schemas.documents import DocumentDate, DocumentId
from schemas.facts import CredentialUse
from schemas.item import UNDEFINED
from schemas.sql import DatabaseError

_PER_ITEM: Final = 1.1
"""From this version on find, aggregate and delete are done for each item."""
_PAIRED: Final = 1.3
"""From this version on an item that is written is paired with its own."""
_READS: Final = ("aggregate", "find")
_WRITES: Final = ("findOneAndReplace", "findOneAndUpdate", "insert", "update")
_CHANGES: Final = ("findOneAndReplace", "findOneAndUpdate", "update")
_DOCUMENT: Final = {"resource": ["document"]}
_PLACEHOLDER: Final = re.compile(r"\$([1-9]\d{0,3})")
_WHY_INDEXES: Final = "manage search indexes in MongoDB's own tools"


class MongoDb(Activity):
    """Item after item in one session. Queries are JSON, not Extended JSON, as in n8n: of an `_id` alone a text becomes an ObjectId."""

    type = "n8n-nodes-base.mongoDb"
    versions = (1, 1.1, 1.2, 1.3, 1.4, 1.5)
    usable_as_tool = True
    credential_uses = (CredentialUse("mongoDb"),)
    differs = "a result has at most 64 MB and 100,000 documents; reads go to the primary"

    resource: Literal["document", "searchIndexes"] = param("document", unsupported={"searchIndexes": _WHY_INDEXES})
    operation: Literal["aggregate", "delete", "find", "findOneAndReplace", "findOneAndUpdate", "insert", "update"] = (
        param("find", show=_DOCUMENT)
    )
    collection: Dynamic[str] = param("", required=True)
    pipeline: Dynamic[str] = param("", alias="query", show={"operation": ["aggregate"], **_DOCUMENT}, required=True)
    query: Dynamic[str] = param("{}", show={"operation": ["delete", "find"], **_DOCUMENT}, required=True)
    query_parameters: Dynamic[Any] = param("=[]", show={"operation": ["aggregate", "delete", "find"], **_DOCUMENT})
    options: Dynamic[dict[str, Any]] = param({}, show={"operation": ["find", *_WRITES], **_DOCUMENT})
    update_key: Dynamic[str] = param("id", show={"operation": list(_CHANGES), **_DOCUMENT}, required=True)
    fields: Dynamic[str] = param("", show={"operation": list(_WRITES), **_DOCUMENT})
    upsert: Dynamic[bool] = param(False, show={"operation": list(_CHANGES), **_DOCUMENT})

    def mutation(self, version: float) -> str | None:
        """Return what an operation changes."""
        del version
        return None if self.operation in _READS else f"its {self.operation}"

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Return the documents that were found or written, or how many were deleted."""
        try:
            async with context.databases.mongo() as session:
                if self.operation == "insert":
                    return [await self._insert(context, session, items)]
                if self.operation in _CHANGES:
                    return [await self._change(context, session, items)]
                if self.operation in ("aggregate", "delete", "find"):
                    return [await self._query(context, session, items)]
                return [[]]
        except DatabaseError as error:
            raise NodeError(error.message, description=error.hint) from error

    async def _query(self, context: ActivityContext, session: MongoSession, items: Items) -> Items:
        each_item = context.version >= _PER_ITEM
        checkpoint = Checkpoint(context, len(items))
        output: Items = []
        for i in range(len(items) if each_item else 1):
            pairing: Any = [paired(i)] if each_item else _all(items)
            try:
                found = await checkpoint.run_once(i, lambda i=i: context.resolve(self, i).found(session, i))  # type: ignore[misc]
            except (DatabaseError, NodeError) as error:
                if not context.continue_on_fail:
                    raise
                found = [{"json": {"error": error.message}}]
            output += [{**item, "pairedItem": pairing} for item in found]
        return output

    async def found(self, session: MongoSession, i: int) -> list[Item]:
        """Return what a query gives. Raise NodeError, DatabaseError."""
        collection = js_string(self.collection)
        values = _values(self.query_parameters, i)
        if self.operation == "aggregate":
            pipeline = _filled(_json(self.pipeline, "Query"), values)
            if not isinstance(pipeline, list):
                raise NodeError('Argument "pipeline" must be an array of aggregation stages')
            return [{"json": each} for each in await session.documents({"aggregate": collection, "pipeline": pipeline})]
        query = _filter(_filled(_json(self.query, "Query"), values))
        if self.operation == "delete":
            answer = await session.command({"delete": collection, "deletes": [{"q": query, "limit": 0}]})
            return [{"json": {"deletedCount": answer.get("n", 0)}}]
        command = {"find": collection, "filter": query, **_find_options(self.options, i)}
        return [{"json": each} for each in await session.documents(command)]

    async def _insert(self, context: ActivityContext, session: MongoSession, items: Items) -> Items:
        """Insert the documents of all items at once, each collection's by themselves: its first item names it."""
        paired_each = context.version >= _PAIRED
        try:
            documents, output = [], []
            for i, item in enumerate(items):
                node = context.resolve(self, i)
                document = node.document(
                    item["json"], _names(node.fields), nested=truthy(node.option("useDotNotation"))
                )
                document.setdefault("_id", _new_id(context.now))
                documents.append(document)
                id_ = document["_id"].digits if isinstance(document["_id"], DocumentId) else document["_id"]
                output.append({**_shown(document), "_id": id_, "id": id_})
            if documents:
                collection = js_string(context.resolve(self, 0).collection)
                await session.command({"insert": collection, "documents": documents, "ordered": True})
        except (DatabaseError, NodeError) as error:
            if not context.continue_on_fail:
                raise
            if paired_each:
                return [error_item(NodeError(error.message), i) for i in range(len(items))]
            return [{"json": {"error": error.message}, "pairedItem": _all(items)}]
        return [_item(json, i, items, paired_each=paired_each) for i, json in enumerate(output)]

    async def _change(self, context: ActivityContext, session: MongoSession, items: Items) -> Items:
        paired_each = context.version >= _PAIRED
        checkpoint = Checkpoint(context, len(items))
        output: Items = []
        for i, item in enumerate(items):
            node = context.resolve(self, i)
            if js_string(node.update_key).strip() not in item["json"]:
                continue
            try:
                (result,) = await checkpoint.run_once(i, lambda node=node, item=item: node.changed(session, item))  # type: ignore[misc]
                json = result["json"]
            except (DatabaseError, NodeError) as error:
                if not context.continue_on_fail:
                    raise
                json = {"error": error.message}
            output.append(_item(json, i, items, paired_each=paired_each))
        return output

    async def changed(self, session: MongoSession, item: Item) -> list[Item]:
        """Return what was written of an item. Raise NodeError, DatabaseError."""
        key, collection = js_string(self.update_key).strip(), js_string(self.collection)
        replaces = self.operation == "findOneAndReplace"
        nested = truthy(self.option("useDotNotation"))
        names = _names(self.fields)
        document = self.document(
            item["json"], names if key in names else [*names, key], nested=nested, flat=not replaces
        )
        value = document[key]
        if key == "_id":
            value = _object_id(document.pop("_id"))
        query, upsert = {key: value}, truthy(self.upsert)
        if self.operation == "update":
            change = {"q": query, "u": {"$set": document}} | ({"upsert": True} if upsert else {})
            await session.command({"update": collection, "updates": [change], "ordered": True})
        else:
            change = document if replaces else {"$set": document}
            modified = {"query": query, "remove": False, "new": False, "upsert": upsert, "update": change}
            await session.command({"findAndModify": collection, **modified})
        return [{"json": _shown(document)}]

    def document(
        self, json: Mapping[str, Any], names: list[str], *, nested: bool, flat: bool = False
    ) -> dict[str, Any]:
        """Return the fields of an item that are written. `nested`: their names are paths; `flat`: such a path stays the name."""
        dates = _names(self.option("dateFields"))
        document: dict[str, Any] = {}
        for name in names:
            found = get(dict(json), name) if nested else json.get(name)
            value = None if found is UNDEFINED else found
            if name in dates and truthy(value):
                value = _date(value)
            if nested and not flat:
                set_path(document, name, value)
            else:
                document[name] = value
        return document

    def option(self, name: str) -> Any:
        """Return a value of the options; None: it is not set."""
        options: Any = self.options  # an expression gives anything
        return options.get(name) if isinstance(options, Mapping) else None


def _item(json: dict[str, Any], i: int, items: Items, *, paired_each: bool) -> Item:
    return {"json": json, "pairedItem": paired(i) if paired_each else _all(items)}


def _all(items: Items) -> Any:
    return [paired(i) for i in range(len(items))]


def _names(text: Any) -> list[str]:
    if text is None:
        return []
    if not isinstance(text, str):
        raise NodeError("fields.split is not a function")
    return [name.strip() for name in text.split(",") if name.strip()]


def _json(text: Any, label: str) -> Any:
    try:
        return parse_json(js_string(text))
    except NotJsonError as error:
        raise NodeError(f"Invalid JSON in '{label}'") from error


def _filter(query: Any) -> dict[str, Any]:
    if query is None:
        raise NodeError("Cannot read properties of null (reading '_id')")
    if not isinstance(query, dict):
        raise NodeError("Query filter must be a plain object or ObjectId")
    return {**query, "_id": _object_id(query["_id"])} if isinstance(query.get("_id"), str) and query["_id"] else query


def _object_id(value: Any) -> Any:
    return DocumentId(value) if isinstance(value, str) else value


def _new_id(now: float) -> DocumentId:
    """Return an ObjectId: seconds since 1970, then eight bytes by chance."""
    return DocumentId(f"{int(now // 1000) & 0xFFFFFFFF:08x}{secrets.token_hex(8)}")


def _date(value: Any) -> DocumentDate:
    """Return the date of a text or a number, as JavaScript reads it."""
    milliseconds = date_parse(value) if isinstance(value, str) else js_number(value)
    return DocumentDate(None if milliseconds is None or not math.isfinite(milliseconds) else int(milliseconds))


def _shown(value: Any) -> Any:
    """Return a document as an item shows it."""
    if isinstance(value, DocumentId):
        return value.digits
    if isinstance(value, DocumentDate):
        return None if value.milliseconds is None else Instant(value.milliseconds, 0, utc=True).iso()
    if isinstance(value, dict):
        return {key: _shown(each) for key, each in value.items()}
    return value


def _find_options(options: Any, i: int) -> dict[str, Any]:
    """Return the members of a `find` command."""
    given = options if isinstance(options, Mapping) else {}
    command: dict[str, Any] = {}
    for name, label in (("projection", "Projection"), ("sort", "Sort")):
        if given.get(name):
            value = _filled(_json(given[name], label), _values(given.get(f"{name}Parameters"), i))
            if value:
                command[name] = value
    for name in ("limit", "skip"):
        value = given.get(name)
        if isinstance(value, str) and value:
            raise NodeError(f'Operation "{name}" requires an integer')
        if isinstance(value, int | float) and value > 0:
            command[name] = int(value)
    return command


def _values(parameters: Any, i: int) -> list[Any]:
    """Return the values of placeholders. Raise NodeError for what is no list of texts, numbers and truth values."""
    values = parameters
    if isinstance(parameters, str) and parameters:
        try:
            values = parse_json(parameters)
        except NotJsonError:
            values = parameters
    if values in (None, "", []):
        return []
    if not isinstance(values, list):
        raise NodeError(
            "Invalid input for 'Query Parameters'",
            description=f"'queryParameters' expects a array but we got '{js_string(values)}'",
            item=i,
        )
    for number, value in enumerate(values, start=1):
        if any(isinstance(each, dict | list) for each in (value if isinstance(value, list) else [value])):
            raise NodeError(
                f"Query parameter {number} must be a scalar or an array of scalars",
                description="Objects and nested arrays are not supported",
            )
    return values


def _filled(query: Any, values: list[Any]) -> Any:
    """Return a query with values in place of the texts `$1`, `$2`, ... Raise NodeError where they do not match. Without values, these
    are ordinary texts.
    """
    if not values:
        return query
    used: set[int] = set()
    filled = _fill(query, values, used)
    for number in range(1, len(values) + 1):
        if number not in used:
            description = f"Add ${number} to the query or remove the unused parameter"
            raise NodeError(f"Query parameter {number} is not used", description=description)
    return filled


def _fill(value: Any, values: list[Any], used: set[int]) -> Any:
    if isinstance(value, dict):
        return {js_string(_fill(key, values, used)): _fill(each, values, used) for key, each in value.items()}
    if isinstance(value, list):
        return [_fill(each, values, used) for each in value]
    match = _PLACEHOLDER.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return value
    number = int(match[1])
    if number > len(values):
        description = f"Add a value for ${number} to Query Parameters"
        raise NodeError(f"Query placeholder ${number} has no matching value", description=description)
    used.add(number)
    return values[number - 1]
