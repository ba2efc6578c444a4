"""Pipedrive from version 2 of the node on: bodies of records, their custom fields by name, and lists by cursor."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Item, NodeError
from runtime.integrations.answers import ThrownError
from runtime.integrations.filters import FILTERS, leading_integer, segment
from runtime.integrations.operation import MAX_PAGES, Run
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string, truthy
from schemas.item import UNDEFINED

__all__ = ["asked", "body", "data", "flat_matches", "list_records", "read_record", "search", "write_record"]

Json = dict[str, Any]
_PAGE: Final = 500
_PATHS: Final = {
    "activity": "activities", "deal": "deals", "organization": "organizations", "person": "persons", "product": "products",
}  # fmt: skip
_OWN: Final = {
    "activity": ("subject", "done", "type"),
    "deal": ("title", "org_id", "person_id"),
    "lead": ("title", "organization_id", "person_id"),
    "note": ("content",),
    "organization": ("name",),
    "person": ("name",),
    "product": ("name",),
}
"""Parameters beside the collection that are members of a record."""
_IDS: Final = {
    "activity": "activityId", "deal": "dealId", "organization": "organizationId", "person": "personId", "product": "productId",
}  # fmt: skip
_DATES: Final = frozenset({"due_date", "expected_close_date"})
_GROUPS: Final = {
    "emails": "emailProperties", "phones": "phoneProperties", "prices": "pricesValues", "value": "valueProperties",
}  # fmt: skip
_ASKED: Final = {"dealId": "deal_id", "filterId": "filter_id"}
_DROPPED: Final = frozenset({"filterId", "status", "user_id"})
"""Filters that are left out where they are null or an empty text."""


def body(scope: Scope) -> Json:
    """Return the members of a record to create or to change, without custom fields."""
    parameters, resource = scope.parameters, js_string(scope.parameters.get("resource", UNDEFINED))
    made = {name: parameters[name] for name in _OWN.get(resource, ()) if name in parameters}
    if "done" in made:
        made["done"] = _flag(made["done"])
    for name, value in (parameters.get("additionalFields") or parameters.get("updateFields") or {}).items():
        if name != "customFields":
            made |= _member(resource, name, value)
    return made


def _member(resource: str, name: str, value: Any) -> Json:
    """Return a member as Pipedrive has it."""
    if name in _DATES and value:
        return {name: js_string(value).partition("T")[0]}
    if name in _GROUPS and isinstance(value, Mapping):
        return {name: value.get(_GROUPS[name], {})}
    if name == "visible_to" and resource != "lead":
        return {name: leading_integer(value)}
    if name == "user_id":
        return {"owner_id": value}
    if name == "person_id" and resource == "activity":
        return {"participants": [{"person_id": value, "primary": True}]}
    if name == "done":
        return {name: _flag(value)}
    return {name: int(truthy(value)) if name.startswith("pinned_to_") else value}


def _flag(value: Any) -> Any:
    return value == "1" if isinstance(value, str) else value


def asked(scope: Scope) -> Json:
    """Return the filters of a list."""
    made: Json = {}
    for name, value in (scope.parameters.get("filters") or {}).items():
        if name in _DROPPED and not truthy(value):
            continue
        if name == "user_id":
            made["owner_id"] = value
        elif name == "done" or name.startswith("pinned_to_"):
            made[name] = int(truthy(value))
        elif name == "first_char":
            made[name] = js_string(value)[:1]
        elif name == "type":
            made[name] = FILTERS["join"](value)
        else:
            made[_ASKED.get(name, name)] = value
    return made


def search(scope: Scope) -> Json:
    """Return the question of a search. Raise NodeError for names of fields that are no list."""
    given = scope.parameters.get("additionalFields") or {}
    fields = given.get("fields")
    if fields and not isinstance(fields, list):
        raise ThrownError("additionalFields.fields.join is not a function")
    made = {
        "term": scope.parameters.get("term", UNDEFINED),
        "exact_match": scope.parameters.get("exactMatch", UNDEFINED),
    }
    made |= {
        "fields": ",".join(map(js_string, fields)) if fields else UNDEFINED,
        "organization_id": given.get("organizationId") or UNDEFINED,
        "include_fields": given.get("includeFields") or UNDEFINED,
        "person_id": given.get("personId") or UNDEFINED,
        "status": given.get("status") or UNDEFINED,
    }
    return {name: each for name, each in made.items() if each is not UNDEFINED}


def flat_matches(scope: Scope) -> list[Any]:
    """Return what a search found, each with its score."""
    found = scope.names["items"]
    return [
        {"result_score": each.get("result_score"), **(each.get("item") or {})}
        for each in (found if isinstance(found, list) else [])
        if isinstance(each, Mapping)
    ]


def data(scope: Scope) -> list[Any]:
    """Return the record or the records of an answer."""
    return _listed(scope.names["response"])


def _listed(answer: Any) -> list[Any]:
    found = answer.get("data") if isinstance(answer, Mapping) else None
    return found if isinstance(found, list) else [] if found is None else [found]


async def write_record(run: Run, scope: Scope) -> list[Item]:
    """Create a record or change one, its custom fields by name. Raise NodeError."""
    parameters, resource = scope.parameters, js_string(scope.parameters.get("resource", UNDEFINED))
    fields = await _fields(run, scope, raw="rawCustomFieldKeys")
    given = parameters.get("additionalFields") or parameters.get("updateFields") or {}
    pairs = (given.get("customFields") or {}).get("property")
    record = body(scope)
    if pairs:
        record["custom_fields"] = dict(_encoded(each, fields) for each in pairs)
    path = f"/api/v2/{_PATHS[resource]}"
    if parameters.get("operation") == "create":
        answer = await run.request(scope, method="POST", path=path, json=record)
    else:
        id_ = segment(parameters.get(_IDS[resource]))
        answer = await run.request(scope, method="PATCH", path=f"{path}/{id_}", json=record)
    return [{"json": _decoded(each, fields)} for each in _listed(answer)]


async def read_record(run: Run, scope: Scope) -> list[Item]:
    """Return a record with the names of its custom fields. Raise NodeError."""
    resource = js_string(scope.parameters.get("resource", UNDEFINED))
    fields = await _fields(run, scope, raw="rawCustomFieldOutput")
    path = f"/api/v2/{_PATHS[resource]}/{segment(scope.parameters.get(_IDS[resource]))}"
    return [{"json": _decoded(each, fields)} for each in _listed(await run.request(scope, path=path))]


async def list_records(run: Run, scope: Scope) -> list[Item]:
    """Return records, all or those of one page. Raise NodeError."""
    parameters, resource = scope.parameters, js_string(scope.parameters.get("resource", UNDEFINED))
    fields: Json = {}
    if resource == "dealProduct":
        path = f"/api/v2/deals/{segment(parameters.get('dealId'))}/products"
    else:
        fields, path = await _fields(run, scope, raw="rawCustomFieldOutput"), f"/api/v2/{_PATHS[resource]}"
    everything = truthy(parameters.get("returnAll"))
    query = asked(scope) | {"limit": _PAGE if everything else parameters.get("limit")}
    if everything:
        found = await _all(run, scope, path, query)
    else:
        found = _listed(await run.request(scope, path=path, query=query))
    return [{"json": _decoded(each, fields)} for each in found]


async def _all(run: Run, scope: Scope, path: str, query: Json) -> list[Any]:
    found: list[Any] = []
    for _ in range(MAX_PAGES):
        answer = await run.request(scope, path=path, query=query)
        listed = answer.get("data") if isinstance(answer, Mapping) else None
        found += listed if isinstance(listed, list) else []
        cursor = FILTERS["get"](FILTERS["get"](answer, "additional_data"), "next_cursor")
        if not cursor or cursor is UNDEFINED:
            return found
        query = {**query, "cursor": cursor}
    raise NodeError(f"Pipedrive gave more than {MAX_PAGES} pages", item=scope.index)


async def _fields(run: Run, scope: Scope, raw: str) -> Json:
    """Return the fields of the kind of record by code, which are asked for once for all items; none where the node wants codes."""
    if truthy(scope.parameters.get(raw)):
        return {}
    if "fields" not in run.sender.shared:
        path = f"/api/v2/{js_string(scope.parameters.get('resource'))}Fields"
        listed = await _all(run, scope, path, {"limit": _PAGE})
        known = {each.get("field_code"): each for each in listed if isinstance(each, Mapping)}
        run.sender.shared["fields"] = known
    fields: Json = run.sender.shared["fields"]
    return fields


def _encoded(pair: Mapping[str, Any], fields: Json) -> tuple[str, Any]:
    """Return the code of a field and its value, with the ids of the options that it names."""
    name, value = js_string(pair.get("name", UNDEFINED)), pair.get("value")
    code, field = next(
        ((code, each) for code, each in fields.items() if each.get("field_name") == name), (name, fields.get(name, {}))
    )
    ids = {each.get("label"): each.get("id") for each in field.get("options") or []}
    if field.get("field_type") == "enum":
        return code, ids.get(value, value)
    if field.get("field_type") == "set":
        return code, [ids.get(each, each) for each in FILTERS["split"](value)]
    return code, value


def _decoded(record: Any, fields: Json) -> Any:
    """Return a record whose custom fields have their names, and the labels of the options that they are."""
    custom = record.get("custom_fields") if isinstance(record, Mapping) else None
    if not fields or not isinstance(custom, Mapping):
        return record
    named = {
        js_string(fields[code]["field_name"]) if code in fields else code: _label(each, fields.get(code) or {})
        for code, each in custom.items()
    }
    return {**record, "custom_fields": named}


def _label(value: Any, field: Mapping[str, Any]) -> Any:
    labels = {js_string(each.get("id", UNDEFINED)): each.get("label") for each in field.get("options") or []}
    if field.get("field_type") == "set" and isinstance(value, list):
        return [labels.get(js_string(each), each) for each in value]
    return labels.get(js_string(value), value) if field.get("field_type") == "enum" else value
