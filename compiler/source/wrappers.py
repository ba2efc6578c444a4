"""Find the workflows in a document: n8n's API, its template site and backup tools wrap them in different ways."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from compiler.source.source import json_type_name
from schemas.diagnostic import Location, pointer
from schemas.diagnostic.reading import NotAnExport

WRAPPERS: Final = ("workflow", "workflows", "data", "json", "workflowData", "template", "results", "items")
MAX_WRAPPER_DEPTH: Final = 4
"""Levels of wrappers that are searched."""
CREDENTIALS_ADVICE: Final = "import it with `tempor8 credentials import`"
DOWNLOAD_ADVICE: Final = "use *Download* in n8n's editor, or `n8n export:workflow`"


def find_workflows(document: Any) -> list[str]:
    """Return the JSON Pointers of all workflows in a document, in order; empty if there is none."""
    return list(_search(document, "", MAX_WRAPPER_DEPTH))


def _search(value: Any, path: str, levels: int) -> Iterator[str]:
    if isinstance(value, Mapping) and isinstance(value.get("nodes"), list) and not _is_template_page(value):
        yield path
    elif levels and isinstance(value, Mapping):
        for key in WRAPPERS:
            if isinstance(value.get(key), Mapping | list):
                yield from _search(value[key], path + pointer(key), levels - 1)
    elif levels and isinstance(value, list):
        for index, each in enumerate(value):
            yield from _search(each, path + pointer(index), levels - 1)


def _is_template_page(value: Mapping[str, Any]) -> bool:
    """Return whether `nodes` lists the node types of a template, as n8n's template site does, and the workflow lies
    deeper.
    """
    inner = value.get("workflow")
    return "connections" not in value and isinstance(inner, Mapping) and isinstance(inner.get("nodes"), list)


def value_at(document: Any, path: str) -> Any:
    """Return the value at a pointer that `find_workflows` returned."""
    for key in path.split("/")[1:]:
        document = document[int(key)] if isinstance(document, list) else document[key]
    return document


def explain_no_workflow(document: Any, where: Location) -> NotAnExport:
    """Return the finding that says why a document contains no workflow."""
    if isinstance(document, list):
        return _explain_list(document, where)
    if not isinstance(document, Mapping):
        return NotAnExport(at=where, reason=f"the document is {json_type_name(document)}, not an object")
    if "nodes" in document:
        reason = f"`nodes` is {json_type_name(document['nodes'])}, not a list"
        return NotAnExport(at=where.within("nodes"), reason=reason, advice=_advice(document))
    if _is_credential(document):
        return NotAnExport(at=where, reason="this is a credential of n8n", advice=CREDENTIALS_ADVICE)
    if {"type", "parameters"} <= document.keys():
        return NotAnExport(at=where, reason="this is a single node", advice="export the whole workflow")
    return NotAnExport(at=where, reason="it has no `nodes`", advice=_advice(document))


def _explain_list(document: list[Any], where: Location) -> NotAnExport:
    """Return the finding that says what a list without a workflow contains, judged by its first object."""
    first = next((each for each in document if isinstance(each, Mapping)), None)
    if not document:
        return NotAnExport(at=where, reason="the list is empty", advice=DOWNLOAD_ADVICE)
    if first is None:
        return NotAnExport(
            at=where, reason=f"the list holds {json_type_name(document[0])}, not workflows", advice=DOWNLOAD_ADVICE
        )
    if _is_credential(first):
        return NotAnExport(
            at=where, reason="this is an export of credentials, not of workflows", advice=CREDENTIALS_ADVICE
        )
    if isinstance(first.get("nodes"), str):
        reason = "these are rows of n8n's database, whose `nodes` is JSON in a text"
        return NotAnExport(at=where, reason=reason, advice=DOWNLOAD_ADVICE)
    if {"type", "parameters"} <= first.keys():
        reason = "this is a list of nodes without the workflow around it"
        return NotAnExport(at=where, reason=reason, advice="export the whole workflow: `nodes` and `connections`")
    return NotAnExport(at=where, reason="nothing in the list has `nodes`", advice=DOWNLOAD_ADVICE)


def _is_credential(document: Mapping[str, Any]) -> bool:
    return {"type", "name"} <= document.keys() and ("data" in document or "nodesAccess" in document)


def _advice(document: Mapping[str, Any]) -> str:
    for key, value in document.items():
        if isinstance(value, str) and value.lstrip().startswith("{") and '"nodes"' in value:
            return f"{key!r} contains a workflow as text: save that text as a file of its own"
    if {"description", "slug", "url", "title", "user_name"} & document.keys():
        return "this is a description of a workflow; download the workflow itself"
    return "a workflow has `nodes` and `connections`; use *Download* in n8n's editor"
