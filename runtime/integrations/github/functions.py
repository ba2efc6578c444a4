"""GitHub: files with their content, and the edits of an issue."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Item, NodeError
from runtime.integrations.answers import ThrownError, no_bytes, unreadable
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.integrations.template import Template
from runtime.values.javascript import js_string, truthy
from schemas.item import UNDEFINED, BinaryRef

_BASE64: Final = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_FILE: Final = Template("{$repository|path}/contents/{filePath|path}")


def file_path(scope: Scope) -> Any:
    """Return the path of a file; UNDEFINED for operations without one. Raise NodeError for what is no text, in JavaScript's words."""
    if scope.parameters.fact("filePath") is None:
        return UNDEFINED
    path = scope.parameters.get("filePath", UNDEFINED)
    if path is None or path is UNDEFINED:
        raise unreadable(path, "endsWith", scope.index)
    if not isinstance(path, str):
        raise ThrownError("url.endsWith is not a function", item=scope.index)
    return path


def listed(scope: Scope) -> Any:
    """Return the elements of a page. Raise NodeError for a text or a number where all pages are asked for, as in n8n."""
    found = scope.names["response"]
    if scope.parameters.get("returnAll") and isinstance(found, str | int | float):
        raise ThrownError("CreateListFromArrayLike called on non-object", item=scope.index)
    return found


def edits(scope: Scope) -> dict[str, Any]:
    """Return the members of an issue that change. Raise NodeError when a list of names is none."""
    made = dict(scope.parameters.get("editFields") or {})
    for name, member in {"labels": "label", "assignees": "assignee"}.items():
        if name in made:
            if not isinstance(made[name], list):
                raise NodeError(f"body.{name}.map is not a function", item=scope.index)
            made[name] = [each.get(member) for each in made[name] if isinstance(each, Mapping)]
    return made


def labels(scope: Scope) -> list[Any]:
    """Return the labels of a new issue."""
    return _each(scope, "labels", "label")


def assignees(scope: Scope) -> list[Any]:
    """Return whom a new issue is for."""
    return _each(scope, "assignees", "assignee")


def _each(scope: Scope, name: str, member: str) -> list[Any]:
    given = scope.parameters.get(name)
    return [each.get(member) for each in given if isinstance(each, Mapping)] if isinstance(given, list) else []


async def write(run: Run, scope: Scope) -> list[Item]:
    """Create a file, or replace it: GitHub wants the hash of what is there."""
    parameters = scope.parameters
    sha: Any = UNDEFINED
    if parameters.get("operation") == "edit":
        query = {"ref": Template("{additionalParameters.branch.branch|nonempty}")}
        found = await run.request(scope, path=_FILE, query=query)
        if found is None or found is UNDEFINED:
            raise unreadable(found, "sha")
        if not isinstance(found, Mapping) or "sha" not in found:
            raise NodeError("Could not get the SHA of the file.")
        sha = found["sha"]
    given = parameters.get("fileContent", "")
    if not isinstance(given, str):
        raise no_bytes(given)
    content = given if _is_base64(given) else base64.b64encode(given.encode()).decode()
    if truthy(parameters.get("binaryData")):
        content = base64.b64encode(await run.context.blobs.read(_binary(run, scope))).decode()
    body = {**scope.names["message"], "sha": sha, "content": content}
    made = await run.request(scope, method="PUT", path=_FILE, json=body)
    return [{"json": made}]


def _is_base64(text: str) -> bool:
    """Return whether a text could be Base64 of something: n8n sends it as it is then, as it does the word `name`."""
    return len(text) % 4 == 0 and _BASE64.fullmatch(text) is not None


def _binary(run: Run, scope: Scope) -> BinaryRef:
    """Return the file to write. Raise NodeError in the words of n8n's code, which looks for none."""
    if scope.parameters.fact("binaryPropertyName") is None:
        raise NodeError('Could not get parameter "binaryPropertyName"')
    name = scope.parameters.get("binaryPropertyName")
    if not isinstance(name, str):
        return run.file(scope.index, name)
    files = scope.item.get("binary")
    if not files:
        raise unreadable(UNDEFINED, name)
    if name not in files:
        raise unreadable(UNDEFINED, "id")
    return run.file(scope.index, name)


async def lock(run: Run, scope: Scope) -> list[Item]:
    """Lock an issue and return the input item, as n8n does."""
    path = Template("{$repository|path}/issues/{issueNumber}/lock")
    await run.request(scope, method="PUT", path=path, query={"lock_reason": Template("{lockReason}")}, json={})
    return [{**scope.item}]


async def download(run: Run, scope: Scope) -> list[Item]:
    """Return the item with the file's content as a binary. Raise NodeError for a folder."""
    query = {"ref": Template("{additionalParameters.reference|nonempty}")}
    found = await run.request(scope, path=_FILE, query=query)
    if not isinstance(found, Mapping):
        raise NodeError("The path is a folder, not a file", item=scope.index)
    try:
        content = base64.b64decode(js_string(found.get("content", "")))
    except binascii.Error as error:
        raise NodeError("GitHub sent no content for this file", item=scope.index) from error
    ref = await run.context.blobs.write(content, file_name=js_string(found.get("name", "")))
    name = js_string(scope.parameters.get("binaryPropertyName", "data"))
    return [{"json": scope.item["json"], "binary": {**scope.item.get("binary", {}), name: ref}}]
