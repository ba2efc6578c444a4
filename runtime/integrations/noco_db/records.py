"""NocoDB from version 4 of the node on: records of the third API, the files in their fields, and links between them."""

from typing import Any, Final
from urllib.parse import urlsplit

from runtime.contract import Item, NodeError
from runtime.integrations.answers import iterated, member_of_answer, unreadable
from runtime.integrations.filters import FILTERS, is_empty
from runtime.integrations.operation import MAX_PAGES, Run
from runtime.integrations.scope import Scope
from runtime.integrations.template import Template
from runtime.values.javascript import js_string, json_stringify, truthy
from schemas.item import UNDEFINED, PairedItem

__all__ = [
    "get_record", "has_workspace", "link_fields", "links", "records", "search_records", "sort_by_rules", "with_address",
]  # fmt: skip

_PAGE: Final = 100
_ADDRESSES: Final = ("signedUrl", "url")
_PATHS: Final = ("signedPath", "path")


def records(scope: Scope) -> list[dict[str, Any]]:
    """Return the record to write. Raise NodeError for a mapping without its columns.

    Of the columns of the item n8n's node writes none, though its form has that choice: the columns that it looks for are in a
    parameter that the choice hides.
    """
    parameters = scope.parameters
    mapper = parameters.get("fieldsMapper")
    given = mapper.get("value") if isinstance(mapper, dict) and mapper.get("mappingMode") == "defineBelow" else None
    if parameters.get("dataToSend") == "autoMapInputData":
        given = None
    if given is not None and isinstance(mapper, dict) and "schema" not in mapper:
        raise unreadable(UNDEFINED, "filter", scope.index)
    fields = dict(given) if isinstance(given, dict) else {}
    id_ = parameters.get("id")
    return [{"fields": fields} if is_empty(id_) else {"id": id_, "fields": fields}]


def sort_by_rules(scope: Scope) -> Any:
    """Return the order of a list, as a text of JSON; UNDEFINED: none."""
    given = ((scope.parameters.get("options") or {}).get("sort") or {}).get("property")
    if not given:
        return UNDEFINED
    locator = FILTERS["locator"]
    rules = [{"field": locator(each.get("field")), "direction": each.get("direction")} for each in given]
    return json_stringify(rules)


def link_fields(scope: Scope) -> Any:
    """Return the names of the fields of linked records; UNDEFINED: all."""
    given = ((scope.parameters.get("options") or {}).get("fields") or {}).get("items")
    return ",".join(js_string(FILTERS["locator"](each.get("field"))) for each in given) if given else UNDEFINED


def links(scope: Scope) -> list[dict[str, Any]]:
    """Return the records to link. Raise NodeError for what is no list: the characters of a text are ids."""
    return [{"id": each} for each in iterated(scope.parameters.get("linkId", UNDEFINED), "linkId")]


def has_workspace(scope: Scope) -> bool:
    """Return whether the node names a workspace: one without has all bases of the account."""
    return js_string(FILTERS["locator"](scope.parameters.get("workspaceId")) or "none") != "none"


def with_address(scope: Scope) -> list[dict[str, Any]]:
    """Return a record with one more file in a field, which NocoDB fetches. Raise NodeError."""
    parameters = scope.parameters
    name = js_string(FILTERS["locator"](parameters.get("uploadFieldName")))
    fields = member_of_answer(scope.names["record"], "fields")
    files = member_of_answer(fields, name) if isinstance(fields, dict) else _no_fields(fields, name, scope)
    listed = files if isinstance(files, list) else []
    return [{"id": parameters.get("id"), "fields": {name: [*listed, {"url": parameters.get("url")}]}}]


async def get_record(run: Run, scope: Scope) -> list[Item]:
    """Return a record, with the files of its fields where the node asks for them. Raise NodeError."""
    record = await run.request(scope, path=Template("{$place|path}/records/{id}"))
    if not truthy(scope.parameters.get("downloadAttachments")):
        return [{"json": record}]
    return [await _with_files(run, scope, record)]


async def search_records(run: Run, scope: Scope) -> list[Item]:
    """Return the records that match, all or as many as one page has. Raise NodeError."""
    given = scope.parameters.get("options") or {}
    query: dict[str, Any] = {
        "viewId": FILTERS["locator"](given.get("viewId", UNDEFINED)),
        "fields": FILTERS["join"](given["fields"]) if "fields" in given else UNDEFINED,
        "sort": sort_by_rules(scope),
        "where": given.get("where", UNDEFINED),
        "page": given.get("page", UNDEFINED),
        "shuffle": (1 if given["shuffle"] is True else given["shuffle"]) if "shuffle" in given else UNDEFINED,
    }
    query = {name: each for name, each in query.items() if each is not UNDEFINED} | scope.names["listing"]
    if truthy(scope.parameters.get("returnAll")):
        found: Any = await _all(run, scope, query)
    else:
        found = member_of_answer(
            await run.request(scope, path=Template("{$place|path}/records"), query=query), "records"
        )
    if not isinstance(found, list):
        return [{"json": found}]
    if not truthy(scope.parameters.get("downloadAttachments")):
        return [{"json": each} for each in found]
    pairing: list[PairedItem] = [{"item": scope.index}]
    return [{**await _with_files(run, scope, each), "pairedItem": pairing} for each in found]


async def _all(run: Run, scope: Scope, query: dict[str, Any]) -> list[Any]:
    found: list[Any] = []
    for number in range(MAX_PAGES):
        page = {**query, "offset": number * _PAGE}
        answer = await run.request(scope, path=Template("{$place|path}/records"), query=page)
        listed = member_of_answer(answer, "records")
        found += listed if isinstance(listed, list) else []
        if not truthy(member_of_answer(answer, "next")):
            return found
    raise NodeError(f"NocoDB gave more than {MAX_PAGES} pages", item=scope.index)


async def _with_files(run: Run, scope: Scope, record: Any) -> Item:
    """Return a record with the files of its fields: `Name_0`, `Name_1`, ... Raise NodeError."""
    files = {}
    for each in scope.parameters.get("downloadFieldNames") or []:
        name = js_string(each)
        fields = member_of_answer(record, "fields")
        listed = member_of_answer(fields, name) if isinstance(fields, dict) else _no_fields(fields, name, scope)
        for place, file in enumerate(listed if isinstance(listed, list) else []):
            files[f"{name}_{place}"] = await _file(run, scope, file)
    return {"json": record, "binary": files} if files else {"json": record}


async def _file(run: Run, scope: Scope, file: Any) -> Any:
    """Return a file of a field. One at another host is asked for without the credential, which n8n sends there too."""
    told = {"response": "file", "filename": member_of_answer(file, "title"), "mime": member_of_answer(file, "mimetype")}
    told = {name: each for name, each in told.items() if each is not UNDEFINED}
    address = next((file[name] for name in _ADDRESSES if file.get(name)), None)
    if address is not None:
        own = urlsplit(js_string(scope.credential.get("host", ""))).netloc
        return await run.request(scope, url=address, bare=urlsplit(js_string(address)).netloc != own, **told)
    path = next((js_string(file[name]) for name in _PATHS if file.get(name)), "")
    return await run.request(scope, path=f"/{FILTERS['path'](path.lstrip('/'))}", **told)


def _no_fields(fields: Any, name: str, scope: Scope) -> Any:
    if fields is None or fields is UNDEFINED:
        raise unreadable(fields, name, scope.index)
    return UNDEFINED
