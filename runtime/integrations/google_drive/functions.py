"""Google Drive: files that are sent, made from text and fetched, and searches."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

from runtime.contract import Item, NodeError
from runtime.integrations.answers import member_of_answer, unreadable
from runtime.integrations.filters import FILTERS, is_empty, segment
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED, BinaryRef

_ALL_DRIVES: Final = {
    "includeItemsFromAllDrives": True, "supportsAllDrives": True,
    "spaces": "appDataFolder, drive", "corpora": "allDrives",
}  # fmt: skip
_GOOGLE: Final = "application/vnd.google-apps."
_FOLDER: Final = f"{_GOOGLE}folder"
_DOCUMENT: Final = f"{_GOOGLE}document"
_MY_DRIVE: Final = "My Drive"
_THIRD: Final = 3
"""The version whose operations search all drives."""
_CONVERSIONS: Final = {
    "document": (
        "docsToFormat",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "text/html",
    ),
    "presentation": (
        "slidesToFormat",
        *["application/vnd.openxmlformats-officedocument.presentationml.presentation"] * 2,
    ),
    "spreadsheet": ("sheetsToFormat", "application/x-vnd.oasis.opendocument.spreadsheet", "text/csv"),
}
"""Kind of a Google file -> the option that says its format, and its default before version 3 and since."""
_OTHER_CONVERSION: Final = ("drawingsToFormat", "image/jpeg", "image/jpeg")


def parent(scope: Scope) -> str:
    """Return the folder that something goes to: `root` is the root of the chosen drive."""
    return _parent(scope.names["folder"], scope.names["drive"])


def _parent(folder: Any, drive: Any) -> str:
    if not is_empty(folder) and folder != "root":
        return js_string(folder)
    return "root" if is_empty(drive) or drive == _MY_DRIVE else js_string(drive)


def properties(scope: Scope) -> dict[str, Any]:
    """Return the members `properties` and `appProperties` of a file."""
    options, made = _options(scope), dict[str, Any]()
    for name, group in (("properties", "property"), ("appProperties", "appProperty")):
        entries = (options.get(f"{name}Ui") or {}).get(f"{group}Values")
        if entries:
            made[name] = {js_string(each.get("key", UNDEFINED)): each.get("value") for each in entries}
    return made


def changes_v1(scope: Scope) -> Any:
    """Return the body of a change of versions 1 and 2; UNDEFINED without one: the request has no body then."""
    given = scope.parameters.get("updateFields")
    fields = given if isinstance(given, Mapping) else {}
    made = {wire: fields[name] for name, wire in (("fileName", "name"), ("trashed", "trashed")) if name in fields}
    return made or UNDEFINED


def update_query(scope: Scope) -> dict[str, Any]:
    """Return the options that are parameters of the query."""
    options = _options(scope)
    names = ("keepRevisionForever", "ocrLanguage", "useContentAsIndexableText")
    return {name: options[name] for name in names if options.get(name)}


def request_id(scope: Scope) -> str:
    """Return the id of a request that makes a drive."""
    del scope
    return str(uuid4())


def _options(scope: Scope) -> Mapping[str, Any]:
    given = scope.parameters.get("options")
    return given if isinstance(given, Mapping) else {}


async def copy(run: Run, scope: Scope) -> list[Item]:
    """Copy a file."""
    parameters, options = scope.parameters, _options(scope)
    path, name = f"/drive/v3/files/{segment(scope.names['file'])}", parameters.get("name")
    if is_empty(name):
        found = await run.request(scope, path=path, query={"fields": "name", "supportsAllDrives": True})
        name = f"Copy of {js_string(found.get('name', UNDEFINED))}" if isinstance(found, Mapping) else UNDEFINED
    body: dict[str, Any] = {"copyRequiresWriterPermission": bool(options.get("copyRequiresWriterPermission"))}
    body |= {"parents": [] if parameters.get("sameFolder") else [parent(scope)], "name": name}
    body |= {"description": options["description"]} if options.get("description") else {}
    return [{"json": await run.request(scope, method="POST", path=f"{path}/copy", query=_ALL_DRIVES, json=body)}]


async def create_from_text(run: Run, scope: Scope) -> list[Item]:
    """Create a file, or a Google document, from text."""
    parameters, options = scope.parameters, _options(scope)
    name, folder = parameters.get("name") or "Untitled", parent(scope)
    text = js_string(parameters.get("content") or "")
    if options.get("convertToGoogleDocument"):
        body = {"name": name, "parents": [folder], "mimeType": _DOCUMENT} | properties(scope)
        query = _ALL_DRIVES | update_query(scope)
        made = await run.request(scope, method="POST", path="/drive/v3/files", query=query, json=body)
        insert = {"insertText": {"text": text, "endOfSegmentLocation": {"segmentId": ""}}}
        url = f"https://docs.googleapis.com/v1/documents/{segment(_id(made))}:batchUpdate"
        done = await run.request(scope, method="POST", url=url, json={"requests": [insert]})
        return [{"json": _known("id", member_of_answer(done, "documentId"))}]
    metadata = {"name": name, "parents": [folder], "mimeType": "text/plain"} | properties(scope)
    made = await _send_file(run, scope, metadata, {"value": text, "type": "text/plain"})
    body = {"name": name, "mimeType": "text/plain"} | properties(scope)
    query = _ALL_DRIVES | {"addParents": folder} | update_query(scope)
    done = await _patch(run, scope, _id(made), query, body)
    return [{"json": _known("id", _id(done))}]


def _known(name: str, value: Any) -> dict[str, Any]:
    """Return the member, unless the answer has no value for it."""
    return {} if value is None or value is UNDEFINED else {name: value}


def _id(answer: Any) -> Any:
    """Return the id of a file that was made; UNDEFINED, which n8n writes into the next address, when the answer has none."""
    return answer.get("id", UNDEFINED) if isinstance(answer, Mapping) else UNDEFINED


async def _send_file(run: Run, scope: Scope, metadata: Any, content: Mapping[str, Any]) -> Any:
    parts = [
        {"name": "metadata", "value": metadata, "type": "application/json"},
        {"name": "data", "filename": False, **content},
    ]
    return await run.request(
        scope, method="POST", path="/upload/drive/v3/files", multipart=parts, type="multipart/related",
        query={"uploadType": "multipart", "supportsAllDrives": True},
    )  # fmt: skip


async def _patch(run: Run, scope: Scope, id_: Any, query: Any, body: Any) -> Any:
    path = f"/drive/v3/files/{segment(id_)}"
    return await run.request(
        scope,
        method="PATCH",
        path=path,
        query=query,
        json=body,
    )


async def upload(run: Run, scope: Scope) -> list[Item]:
    """Send a file of the item."""
    parameters, folder = scope.parameters, parent(scope)
    field = parameters.get("inputDataFieldName", UNDEFINED)
    ref = run.file(scope.index, field)
    name = parameters.get("name") or ref.get("fileName")
    made = await _send_file(run, scope, {"name": name, "parents": [folder]}, {"file": field, "type": _mime_type(ref)})
    query = {"addParents": folder} | _ALL_DRIVES | update_query(scope)
    query |= {} if _options(scope).get("simplifyOutput") else {"fields": "*"}
    body = {"mimeType": _mime_type(ref), "name": name, "originalFilename": ref.get("fileName")} | properties(scope)
    return [{"json": await _patch(run, scope, _id(made), query, body)}]


def _mime_type(ref: BinaryRef) -> str:
    return ref.get("mimeType") or "application/octet-stream"


async def upload_v1(run: Run, scope: Scope) -> list[Item]:
    """Send a file of the item or a text, as versions 1 and 2 do."""
    parameters = scope.parameters
    content: dict[str, Any]
    mime_type, own = "text/plain", dict[str, Any]()
    if parameters.get("binaryData"):
        field = parameters.get("binaryPropertyName", UNDEFINED)
        ref = run.file(scope.index, field)
        mime_type, own = _mime_type(ref), {"originalFilename": ref.get("fileName")}
        content = {"file": field, "type": mime_type}
    else:
        content = {"body": js_string(parameters.get("fileContent") or ""), "type": mime_type}
    query = {"fields": "id, name", "uploadType": "media"}
    made = await run.request(scope, method="POST", path="/upload/drive/v3/files", query=query, **content)
    body = {"mimeType": mime_type, "name": parameters.get("name")} | own
    given = properties(scope)
    if "properties" in given:  # n8n sends neither without these
        body |= {"appProperties": {}} | given
    parents = ",".join(js_string(each) for each in FILTERS["list"](parameters.get("parents") or []))
    done = await _patch(run, scope, _id(made), {"addParents": parents, "supportsAllDrives": True}, body)
    if parameters.get("resolveData"):
        path = f"/drive/v3/files/{segment(_id(done))}"
        done = await run.request(scope, path=path, query={"fields": "*"})
    return [{"json": done}]


async def update(run: Run, scope: Scope) -> list[Item]:
    """Change content, name and properties of a file."""
    parameters, options = scope.parameters, _options(scope)
    file, body = scope.names["file"], dict[str, Any]()
    if not is_empty(parameters.get("newUpdatedFileName")):
        body["name"] = parameters["newUpdatedFileName"]
    if parameters.get("changeFileContent"):
        field = parameters.get("inputDataFieldName", UNDEFINED)
        body["mimeType"] = _mime_type(run.file(scope.index, field))
        await run.request(
            scope, method="PATCH", path=f"/upload/drive/v3/files/{segment(file)}", file=field, type=body["mimeType"],
            query={"uploadType": "media", "supportsAllDrives": True},
        )  # fmt: skip
    trashed = (
        {"trashed": True} if options.get("trashed") else {}
    )  # in the query, where Google does not read it, as in n8n
    query = {"supportsAllDrives": True} | update_query(scope) | trashed
    if fields := options.get("fields"):
        query["fields"] = "*" if "*" in fields else ", ".join(fields)
    return [{"json": await _patch(run, scope, file, query, (body | properties(scope)) or None)}]


async def move(run: Run, scope: Scope) -> list[Item]:
    """Move a file to another folder."""
    file = scope.names["file"]
    path = f"/drive/v3/files/{segment(file)}"
    held = await run.request(scope, path=path, query=_ALL_DRIVES | {"fields": "parents"})
    parents = member_of_answer(held, "parents")
    removed = ",".join(js_string(each) for each in (parents if isinstance(parents, list) else []))
    query = _ALL_DRIVES | {"addParents": parent(scope), "removeParents": removed}
    return [{"json": await _patch(run, scope, file, query, None)}]


async def download(run: Run, scope: Scope) -> list[Item]:
    """Fetch a file; one of Google's own kinds is exported in the chosen format."""
    options, third = _options(scope), scope.version >= _THIRD
    path = f"/drive/v3/files/{segment(scope.names['file'])}"
    everywhere = {"supportsAllDrives": True} if third else {}
    file = await run.request(
        scope, path=path, query={"fields": "mimeType,name", "supportsTeamDrives": True} | everywhere
    )
    known = file if isinstance(file, Mapping) else {}
    if known.get("mimeType") is None and not third:
        raise unreadable(UNDEFINED, "includes", scope.index)
    kind = js_string(known.get("mimeType") or "")
    if kind.startswith(_GOOGLE):
        option, before, since = _CONVERSIONS.get(kind.removeprefix(_GOOGLE), _OTHER_CONVERSION)
        chosen = ((options.get("googleFileConversion") or {}).get("conversion") or {}).get(option)
        kind = js_string(chosen or (since if third else before))
        path, query = f"{path}/export", {"mimeType": kind}
    else:
        query = {"alt": "media"}
    name = options.get("fileName") or known.get("name")
    ref = await run.request(
        scope, path=path, query=query | everywhere, response="file",
        filename=name, mime=kind,
    )  # fmt: skip
    field = options.get("binaryPropertyName") if third else scope.parameters.get("binaryPropertyName")
    item = scope.item
    return [
        {
            **item,
            "binary": {**item.get("binary", {}), js_string(field or "data"): ref},
            "pairedItem": {"item": scope.index},
        }
    ]


def search_query(scope: Scope) -> dict[str, Any]:
    """Return the query of a search of files and folders."""
    parameters, query = scope.parameters, dict(_ALL_DRIVES)
    fields = _options(scope).get("fields") or ["id", "name"]
    names = "*" if "*" in fields else ", ".join(map(js_string, fields))
    text = js_string(parameters.get("queryString") or "")
    terms = [text] if parameters.get("searchMethod") == "query" else [f"name contains '{_escaped(text)}'"]
    filters = parameters.get("filter") or {}
    if filters:
        drive = _located("driveId", filters, scope)
        if isinstance(filters.get("folderId"), Mapping):
            folder = _parent(_located("folderId", filters, scope), drive)
            terms.append(f"'{_escaped(folder)}' in parents")
        if drive == _MY_DRIVE:
            query |= {"includeItemsFromAllDrives": False, "supportsAllDrives": False, "corpora": "user"}
        elif not is_empty(drive):
            query |= {"corpora": "drive", "driveId": drive}
        terms += _kinds(filters)
        if filters.get("includeTrashed") is not True:
            terms.append("trashed = false")
    size = (
        {"maxResults": 100, "pageSize": 100} if parameters.get("returnAll") else {"pageSize": parameters.get("limit")}
    )
    found = {"fields": f"nextPageToken, files({names})", "q": " and ".join(each for each in terms if each)}
    return found | query | size


def _kinds(filters: Mapping[str, Any]) -> list[str]:
    what = filters.get("whatToSearch") or "all"
    if what == "folders":
        return [f"mimeType = '{_FOLDER}'"]
    terms = [f"mimeType != '{_FOLDER}'"] if what == "files" else []
    types = filters.get("fileTypes") or []
    if types and "*" not in types:
        terms.append("(" + " or ".join(f"mimeType = '{_escaped(each)}'" for each in types) + ")")
    return terms


def _located(name: str, values: Mapping[str, Any], scope: Scope) -> Any:
    return scope.located(name, values[name]) if isinstance(values.get(name), Mapping) else None


def _escaped(value: Any) -> str:
    return js_string(value).replace("\\", "\\\\").replace("'", "\\'")


_OPERATORS: Final = {"is": "=", "isNot": "!="}


def list_query(scope: Scope) -> dict[str, Any]:
    """Return the query of a list, as versions 1 and 2 send it."""
    parameters, options = scope.parameters, _options(scope)
    spaces = options.get("spaces") or []
    fields = options.get("fields") or ["id", "name"]
    names = "*" if "*" in fields else ", ".join(map(js_string, fields))
    return {
        "pageSize": parameters.get("limit"),
        "orderBy": "modifiedTime",
        "fields": f"nextPageToken, files({names})",
        "spaces": "appDataFolder, drive, photos" if "*" in spaces else ", ".join(map(js_string, spaces)),
        "q": parameters.get("queryString") if parameters.get("useQueryString") else _filter_terms(scope),
        "includeItemsFromAllDrives": True,
        "supportsAllDrives": True,
    }


def _filter_terms(scope: Scope) -> str:
    filters, groups = scope.parameters.get("queryFilters") or {}, []
    if names := filters.get("name"):
        groups.append(
            " or ".join(
                f"name {_OPERATORS.get(each.get('operation'), 'contains')} '{_escaped(each.get('value', UNDEFINED))}'"
                for each in names
            )
        )
    if kinds := filters.get("mimeType"):
        types = [
            each.get("customMimeType") if each.get("mimeType") == "custom" else each.get("mimeType") for each in kinds
        ]
        groups.append(" or ".join(f"mimeType = '{_escaped(each)}'" for each in types))
    return " and ".join(groups)


def permission(scope: Scope) -> Any:
    """Return the permission that is given; UNDEFINED without one. Raise NodeError."""
    given = (scope.parameters.get("permissionsUi") or {}).get("permissionsValues") or {}
    if not isinstance(given, Mapping):
        raise NodeError("A file is shared with one permission at a time", item=scope.index)
    return dict(given) or UNDEFINED
