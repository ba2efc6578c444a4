"""Dropbox: the root of a team's account, the arguments of transfers, and the entries of a folder."""

import mimetypes
from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Item, NodeError
from runtime.integrations.operation import MAX_PAGES, Run
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string, json_stringify
from schemas.item import UNDEFINED

_PAGE: Final = 1000
"""What Dropbox gives at most at a time."""
_MEMBERS: Final = {
    "id": "id",
    "name": "name",
    "client_modified": "lastModifiedClient",
    "server_modified": "lastModifiedServer",
    "rev": "rev",
    "size": "contentSize",
    ".tag": "type",
    "content_hash": "contentHash",
    "path_lower": "pathLower",
    "path_display": "pathDisplay",
    "is_downloadable": "isDownloadable",
}


def root(scope: Scope) -> Any:
    """Return where paths begin; UNDEFINED for an account that was not asked for."""
    account = scope.names.get("account")
    information = account.get("root_info") if isinstance(account, Mapping) else None
    if not isinstance(information, Mapping) or "root_namespace_id" not in information:
        return UNDEFINED
    return json_stringify({".tag": "root", "root": information["root_namespace_id"]})


def argument(scope: Scope) -> Any:
    """Return the argument of an upload or a download, which goes into the address."""
    path = scope.parameters.get("path")
    return json_stringify({"mode": "overwrite", "path": path} if "binaryData" in scope.parameters else {"path": path})


def mime(scope: Scope) -> Any:
    """Return the type that the name of the file tells; Dropbox says octets of all."""
    return mimetypes.guess_type(js_string(scope.parameters.get("path", "")))[0] or UNDEFINED


async def list_folder(run: Run, scope: Scope) -> list[Item]:
    """Return the entries of a folder. Raise NodeError."""
    parameters = scope.parameters
    if parameters.get("authentication") == "accessToken":
        if "account" not in run.sender.shared:
            asked = await run.request(scope, method="POST", path="/users/get_current_account")
            run.sender.shared["account"] = asked
        scope = scope.having(account=run.sender.shared["account"])
    headers = {"Dropbox-API-Path-Root": root(scope)}
    everything, limit = bool(parameters.get("returnAll")), int(parameters.get("limit") or 0)
    body = {"path": parameters.get("path"), "limit": _PAGE if everything else limit}
    body |= parameters.get("filters") or {}
    path, found = "/files/list_folder", list[Any]()
    for _ in range(MAX_PAGES):
        answer = await run.request(scope, method="POST", path=path, headers=headers, json=body)
        found += answer.get("entries") or []
        if not everything or not answer.get("has_more") or not answer.get("cursor"):
            return [{"json": _entry(each)} for each in (found if everything else found[:limit])]
        path, body = "/files/list_folder/continue", {"cursor": answer["cursor"]}
    raise NodeError(f"Dropbox gave more than {MAX_PAGES} pages", item=scope.index)


def _entry(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a file or folder under the names that n8n gives its members."""
    made = {wire: given.get(name) for name, wire in _MEMBERS.items()}
    return {name: each for name, each in made.items() if each is not None}
