"""GitLab: projects and files in addresses, labels and assignees, and files with their content."""

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from runtime.contract import Item, NodeApiError
from runtime.integrations.files import encoded, stored
from runtime.integrations.filters import FILTERS
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED


def project(scope: Scope) -> Any:
    """Return the project as one segment of an address; UNDEFINED for what has none."""
    parameters = scope.parameters
    if "repository" not in parameters:
        return UNDEFINED
    return quote(f"{js_string(parameters.get('owner'))}/{js_string(parameters['repository'])}", safe="")


def file_path(scope: Scope) -> Any:
    """Return the path of a file as one segment of an address; UNDEFINED for what has none."""
    given = scope.parameters.get("filePath", UNDEFINED)
    return UNDEFINED if given is UNDEFINED else quote(js_string(given), safe="")


def labels(scope: Scope) -> str:
    """Return the labels of an issue, with commas."""
    return _names(scope.parameters.get("labels"), "label")


def assignees(scope: Scope) -> list[Any]:
    """Return the ids of who is responsible."""
    given = [each.get("assignee") for each in FILTERS["list"](scope.parameters.get("assignee_ids") or [])]
    return [] if given == [""] else given  # the node's default


def _names(values: Any, member: str) -> str:
    return ",".join(
        js_string(each.get(member, "")) for each in FILTERS["list"](values or []) if isinstance(each, Mapping)
    )


def changes(scope: Scope) -> dict[str, Any]:
    """Return the members of an issue that change."""
    made = dict(scope.parameters.get("editFields") or {})
    if "labels" in made:
        made["labels"] = _names(made["labels"], "label")
    if "assignee_ids" in made:
        made["assignee_ids"] = [each.get("assignee") for each in FILTERS["list"](made["assignee_ids"])]
    if "state" in made:
        made["state_event"] = "close" if made.pop("state") == "closed" else "reopen"
    return made


def release(scope: Scope) -> dict[str, Any]:
    """Return the members of a release that change."""
    made = {name: each for name, each in (scope.parameters.get("additionalFields") or {}).items() if each}
    if "milestones" in made:
        made["milestones"] = FILTERS["split"](made["milestones"])
    return made


def _address(scope: Scope) -> str:
    return f"/projects/{project(scope)}/repository/files/{file_path(scope)}"


async def get_file(run: Run, scope: Scope) -> list[Item]:
    """Return a file of a repository, as a file or as GitLab tells of it. Raise NodeError."""
    parameters = scope.parameters
    given = parameters.get("additionalParameters") or {}
    answer = await run.request(scope, path=_address(scope), query={"ref": given.get("reference") or "master"})
    if not parameters.get("asBinaryProperty", True):
        return [{"json": answer}]
    if not isinstance(answer, Mapping) or not isinstance(answer.get("content"), str):
        raise NodeApiError("The answer of GitLab has no content", item=scope.index)
    name = js_string(answer.get("file_name") or parameters.get("filePath", "")).rpartition("/")[2]
    ref = await stored(run, answer["content"], mime_type="", file_name=name)
    binary = {**(scope.item.get("binary") or {}), js_string(parameters.get("binaryPropertyName", UNDEFINED)): ref}
    return [{"json": scope.item.get("json", {}), "binary": binary}]


async def write_file(run: Run, scope: Scope) -> list[Item]:
    """Create or change a file of a repository. Raise NodeError."""
    parameters = scope.parameters
    given = parameters.get("additionalParameters") or {}
    body: dict[str, Any] = {"branch": parameters.get("branch"), "commit_message": parameters.get("commitMessage")}
    for group, name, wire in (
        ("branchStart", "branchStart", "start_branch"),
        ("author", "name", "author_name"),
        ("author", "email", "author_email"),
    ):
        if value := (given.get(group) or {}).get(name):
            body[wire] = value
    if parameters.get("binaryData"):
        content, _ = await encoded(run, scope.index, js_string(parameters.get("binaryPropertyName", UNDEFINED)))
        body |= {"content": content, "encoding": "base64"}
    elif (given.get("encoding") or {}).get("encoding") == "base64":
        body |= {"content": base64.b64encode(js_string(parameters.get("fileContent", "")).encode()).decode()}
        body["encoding"] = "base64"
    else:
        body["content"] = parameters.get("fileContent")
    method = "POST" if parameters.get("operation") == "create" else "PUT"
    return [{"json": await run.request(scope, method=method, path=_address(scope), json=body)}]
