"""Nextcloud: the type of a file, and what its answers of XML say."""

import mimetypes
from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import NodeApiError
from runtime.integrations.answers import ThrownError, unreadable
from runtime.integrations.filters import FILTERS
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from runtime.values.xml_reader import XmlError, XmlOptions, read_xml
from schemas.item import UNDEFINED

_AS_OBJECTS: Final = XmlOptions(explicit_root=False)
_ROOTED: Final = XmlOptions()


def mime(scope: Scope) -> Any:
    """Return the type that the name of the file tells; UNDEFINED where it tells none."""
    return mimetypes.guess_type(js_string(scope.parameters.get("path", "")))[0] or UNDEFINED


def shared(scope: Scope) -> Any:
    """Return the share that was made. Raise NodeApiError when Nextcloud made none, which it says with status 200."""
    return _answered(scope)["data"]


def data(scope: Scope) -> Any:
    """Return the data of an answer about users. Raise NodeError."""
    return _answered(scope)["data"]


def meta(scope: Scope) -> Any:
    """Return what an answer says of itself. Raise NodeError."""
    return _answered(scope)["meta"]


def users(scope: Scope) -> list[Any]:
    """Return an object per user. Raise NodeError where the answer has none."""
    found = FILTERS["get"](FILTERS["get"](_answered(scope)["data"], "users"), "element")
    if found is UNDEFINED:
        raise unreadable(found, "forEach", scope.index)
    return [{"id": each} for each in (found if isinstance(found, list) else [found])]


def change(scope: Scope) -> dict[str, Any]:
    """Return the field of a user that changes. Raise NodeError without one."""
    field = (scope.parameters.get("updateFields") or {}).get("field")
    if not isinstance(field, Mapping):
        raise ThrownError("Cannot convert undefined or null to object")
    return dict(field)


def entries(scope: Scope) -> list[Any]:
    """Return what is in a folder, without the folder itself, which Nextcloud names first. Raise NodeError."""
    listing = FILTERS["get"](_read(scope, _ROOTED), "d:multistatus")
    found = FILTERS["get"](listing, "d:response")
    return [_entry(each, scope) for each in found[1:]] if isinstance(found, list) else []


def _entry(response: Any, scope: Scope) -> dict[str, Any]:
    status = FILTERS["get"](response, "d:propstat")
    status = status[0] if isinstance(status, list) else status
    if status is UNDEFINED:
        raise unreadable(status, "d:prop", scope.index)
    properties = FILTERS["get"](status, "d:prop")
    of = properties if isinstance(properties, Mapping) else {}
    is_folder = of.get("d:resourcetype") != ""
    made = {"path": _path(response), "lastModified": of.get("d:getlastmodified", UNDEFINED)}
    if not is_folder:
        made["contentLength"] = of.get("d:getcontentlength", UNDEFINED)
        made["contentType"] = of.get("d:getcontenttype", UNDEFINED)
    tag = of.get("d:getetag", UNDEFINED)
    if tag is UNDEFINED:
        raise unreadable(tag, "slice", scope.index)
    made |= {"type": "folder" if is_folder else "file", "eTag": js_string(tag)[1:-1]}
    return {name: each for name, each in made.items() if each is not UNDEFINED}


def _path(response: Any) -> str:
    return js_string(FILTERS["get"](response, "d:href")).removeprefix("/remote.php/webdav/")


def _answered(scope: Scope) -> Mapping[str, Any]:
    """Return the answer of an OCS service, with `meta` and `data`. Raise NodeError where it says no success."""
    if not scope.names["response"]:
        raise unreadable(UNDEFINED, "toString", scope.index)
    answer = _read(scope, _AS_OBJECTS)
    said = answer.get("meta") if isinstance(answer, Mapping) else None
    if not isinstance(said, Mapping):
        raise unreadable(UNDEFINED, "status" if isinstance(answer, str) else "meta", scope.index)
    if said.get("status") != "ok":
        raise NodeApiError(js_string(said.get("message") or said.get("status")), item=scope.index)
    return {"data": UNDEFINED, **answer}


def _read(scope: Scope, options: XmlOptions) -> Any:
    try:
        return read_xml(js_string(scope.names["response"]), options)
    except XmlError as error:
        raise ThrownError(str(error), item=scope.index) from error
