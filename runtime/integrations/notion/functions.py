"""Notion: ids in URLs, pages with properties and blocks, nested blocks."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Item, Items, NodeError
from runtime.integrations.answers import ThrownError, sliced, unreadable
from runtime.integrations.filters import FILTERS, segment
from runtime.integrations.notion.blocks import block, simple_block
from runtime.integrations.notion.properties import (
    files_of,
    name_and_type,
    property_value,
    simple_page,
)
from runtime.integrations.notion.queries import (
    filter,  # noqa: A004 - the name of the member that it fills
    query,
    search,
    sorts,
)
from runtime.integrations.operation import Run, failing_node
from runtime.integrations.scope import Scope
from runtime.integrations.template import Template
from runtime.values.javascript import js_string, truthy
from runtime.values.patterns import first_group
from schemas.item import UNDEFINED

__all__ = [
    "block_id", "children", "content", "create_database_pages", "database_id", "filter",
    "found_sources", "get_blocks", "get_page_with_files", "get_pages_with_files", "icon", "markdown",
    "page_id", "properties", "query", "search", "simplified", "simplified_as_first",
    "simplified_to_limit", "sorts", "source_id", "to_limit", "user_id",
]  # fmt: skip

_ID: Final = "([0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
_PAGE_URL: Final = f"^https?://[^?#]*?{_ID}(?:[?#].*)?$"
_PEEK_URL: Final = f"^https?://.*[?&]p={_ID}"
"""The page that a database shows beside its table."""
_LOCATORS_SINCE: Final = 2
_ICONS_SINCE: Final = 2
_SOURCES_SINCE: Final = 3
"""Databases have data sources, which hold their properties and pages."""
_PAGE: Final = {
    "when": True, "items": Template("{$response.results}"), "blind": True,
    "more": {"not": Template("{$response.has_more|is(false)}")},
    "next": {"query": {"start_cursor": Template("{$response.next_cursor}")}},
}  # fmt: skip


def page_id(scope: Scope) -> Any:
    """Return the id of the page that the parameter names by id or URL. Raise NodeError."""
    given = scope.parameters.get("pageId", UNDEFINED)
    if given is UNDEFINED:
        if scope.version >= _SOURCES_SINCE and scope.parameters.fact("pageId") is not None:
            raise unreadable(given, "value", scope.index)
        return given
    mode, value = (given.get("mode"), given.get("value")) if isinstance(given, Mapping) else ("url", UNDEFINED)
    if scope.version < _LOCATORS_SINCE and mode != "url":
        return scope.located("pageId", given)
    if not isinstance(given, Mapping) and scope.version < _LOCATORS_SINCE:
        if not isinstance(given, str):
            raise NodeError("page.includes is not a function", item=scope.index)
        return _in_url(js_string(given)) or js_string(given)
    if scope.version >= _SOURCES_SINCE:
        found = None if not isinstance(value, str) else value if mode == "id" else _in_url(value)
    else:
        found = js_string(value).strip() if mode == "id" else _in_url(js_string(value))
    if not found:
        raise NodeError(f"Could not extract page ID from URL: {js_string(value)}", item=scope.index)
    return found


def block_id(scope: Scope) -> Any:
    """Return the id of the block, or page, that the parameter names by id or URL. Raise NodeError."""
    given = scope.parameters.get("blockId", UNDEFINED)
    if not isinstance(given, Mapping) or given.get("mode") != "url":
        return identifier(scope, "blockId")
    url = given.get("value", UNDEFINED)
    if url is None or url is UNDEFINED:
        raise unreadable(url, "match", scope.index)
    if not isinstance(url, str):
        raise ThrownError("blockUrl.match is not a function", item=scope.index)
    found = first_group(scope.patterns["blockId"], url)
    if not found:
        raise NodeError("Invalid URL, could not find block ID or page ID", item=scope.index)
    return found


def source_id(scope: Scope) -> Any:
    """Return the id of the data source. Raise NodeError for none."""
    located = scope.located("dataSourceId", scope.parameters.get("dataSourceId", UNDEFINED))
    operation = (scope.parameters.get("resource"), scope.parameters.get("operation"))
    if scope.parameters.fact("dataSourceId") is None:
        return UNDEFINED
    if operation == ("databasePage", "create") and not truthy(None if located is UNDEFINED else located):
        raise NodeError("DataSource ID is required to create a database page", item=scope.index)
    if operation == ("dataSource", "get") and not isinstance(located, str):
        if located is None or located is UNDEFINED:
            raise unreadable(located, "includes", scope.index)
        raise ThrownError("resource.includes is not a function", item=scope.index)
    return identifier(scope, "dataSourceId")


def database_id(scope: Scope) -> Any:
    """Return the id of the database. Raise NodeError for none."""
    return identifier(scope, "databaseId")


def identifier(scope: Scope, name: str) -> Any:
    """Return the id that a parameter names; UNDEFINED where the operation has none. Raise NodeError for what n8n takes for no id."""
    if scope.parameters.fact(name) is None:
        return UNDEFINED
    found = scope.located(name, scope.parameters.get(name, UNDEFINED))
    if found in (None, "", UNDEFINED):
        raise _no_identifier(found, scope)
    return found


def _no_identifier(found: Any, scope: Scope) -> NodeError:
    reason = '"" is not allowed' if found == "" else "a value is required"
    return NodeError(f"Invalid identifier: {reason}", item=scope.index)


def _in_url(url: str) -> str | None:
    return first_group(_PEEK_URL, url) or first_group(_PAGE_URL, url)


def children(scope: Scope) -> list[Any]:
    """Return the blocks to write. Raise NodeError."""
    given = (scope.parameters.get("blockUi") or {}).get("blockValues") or []
    sources = scope.version >= _SOURCES_SINCE
    return [block(each, sources=sources) for each in given if not sources or each.get("type")]


def content(scope: Scope) -> dict[str, Any]:
    """Return what is in a new page: blocks, or markdown. Raise NodeError for blocks that are not JSON."""
    kind = scope.parameters.get("contentType", "blockUi")
    if kind == "markdown":
        return {"markdown": scope.parameters.get("markdown", "")}
    if kind != "json":
        return {"children": children(scope)}
    given = FILTERS["json"](scope.parameters.get("blocksJson") or "[]")
    return {"children": given.get("children", []) if isinstance(given, Mapping) else given}


def markdown(scope: Scope) -> dict[str, Any]:
    """Return a change of a page's markdown: new content, or texts to replace."""
    if scope.parameters.get("markdownUpdateType") != "update_content":
        return {"type": "replace_content", "replace_content": {"new_str": scope.parameters.get("markdown", "")}}
    given = (scope.parameters.get("contentUpdates") or {}).get("updates") or []
    updates = [
        {"old_str": each.get("oldString", ""), "new_str": each.get("newString", "")}
        | ({"replace_all_matches": True} if each.get("replaceAllMatches") else {})
        for each in given
    ]
    return {"type": "update_content", "update_content": {"content_updates": updates}}


def properties(scope: Scope) -> dict[str, Any]:
    """Return the properties to write. Raise NodeError."""
    given = (scope.parameters.get("propertiesUi") or {}).get("propertyValues") or []
    option, sources = "name" if scope.version >= _LOCATORS_SINCE else "id", scope.version >= _SOURCES_SINCE
    made = {
        name_and_type(each.get("key"))[0]: property_value(each, scope.timezone, scope.now, option, sources=sources)
        for each in given
    }
    return {name: each for name, each in made.items() if each is not None}


def icon(scope: Scope) -> Any:
    """Return the icon to set; UNDEFINED: none."""
    options = scope.parameters.get("options") or {}
    chosen = options.get("icon")
    if not isinstance(chosen, str) or not chosen:
        return UNDEFINED
    sources = scope.version >= _SOURCES_SINCE
    is_file = chosen.startswith(("http://", "https://")) if sources else options.get("iconType") == "file"
    made = {"external": {"url": chosen}} if is_file else {"emoji": chosen}
    changes = scope.parameters.get("operation") == "update"
    return {"type": next(iter(made)), **made} if changes or sources else made


def simplified(scope: Scope) -> Any:
    """Return the pages or databases of a response, as flat objects unless the node asks for them as they are."""
    found = scope.names.get("items", scope.names.get("response"))
    if not truthy(scope.parameters.get("simple")):
        return found
    return _simple(found if isinstance(found, list) else [found], scope)


def simplified_as_first(scope: Scope) -> Any:
    """Return what `simplified` does, where the first item says for all whether it is simple."""
    found = scope.names.get("items", scope.names.get("response"))
    if not truthy(scope.names["simple"]):
        return found
    return _simple(found if isinstance(found, list) else [found], scope)


def _simple(found: list[Any], scope: Scope) -> list[Any]:
    flat = [simple_page(each, scope.version) for each in found]
    return [each for each in flat if each is not None]


def found_sources(scope: Scope) -> list[Any]:
    """Return the data sources that a search found: of a database those that it names, which have no simple form."""
    found = [source for each in scope.names["items"] if isinstance(each, Mapping) for source in _sources(each)]
    return _simple(found, scope) if scope.parameters.get("simple") else found


def _sources(found: Mapping[str, Any]) -> list[Any]:
    if found.get("object") != "database":
        return [found] if found.get("object") == "data_source" else []
    of = {"database_id": found.get("id"), "database_url": found.get("url")}
    return [{"id": each.get("id"), "name": each.get("name"), **of} for each in found.get("data_sources") or []]


def simplified_to_limit(scope: Scope) -> Any:
    """Return what was found as `simplified` does, as many as are asked for."""
    return _limited(scope, simplified(scope))


def to_limit(scope: Scope) -> Any:
    """Return what was found, as many as are asked for."""
    return _limited(scope, scope.names["items"])


def _limited(scope: Scope, found: list[Any]) -> list[Any]:
    if truthy(scope.parameters.get("returnAll")):
        return found
    limited: list[Any] = sliced(found, scope.parameters.get("limit", UNDEFINED))
    return limited


async def create_database_pages(run: Run) -> Items:
    """Create a page per item; the name of the database's title is asked for once, of a data source's per item."""
    common = ""
    if run.context.version < _SOURCES_SINCE:
        with failing_node():
            first = await run.scope(0)
            if first.version >= _LOCATORS_SINCE:
                titles = _titles(await run.request(first, path=Template("/databases/{$database}")))
                common = titles[-1] if titles else ""

    async def work(scope: Scope) -> Items:
        title = common
        if scope.version >= _SOURCES_SINCE:
            _check_title(scope.parameters.get("title", UNDEFINED))
            source = await run.request(scope, path=Template("/data_sources/{$source|quote}"))
            if not isinstance(source, Mapping) or not isinstance(source.get("properties"), Mapping):
                raise NodeError("Notion did not return data source properties")
            titles = _titles(source)
            title = titles[0] if titles else ""
        given = properties(scope)
        text = scope.parameters.get("title", UNDEFINED)
        if title and text != "":
            given = {title: {"title": [{"text": {} if text is UNDEFINED else {"content": text}}]}} | given
        parent = {"database_id": scope.names["database"]}
        if scope.version >= _SOURCES_SINCE:
            parent = {"type": "data_source_id", "data_source_id": scope.names["source"]}
        body = {"parent": parent, "properties": given, **content(scope)}
        if scope.version >= _ICONS_SINCE and (symbol := icon(scope)) is not UNDEFINED:
            body["icon"] = symbol
        made = await run.request(scope, method="POST", path="/pages", json=body)
        shown = simplified(scope.having(response=made))
        return [{"json": each} for each in (shown if isinstance(shown, list) else [shown])]

    return await run.each(work)


def _check_title(title: Any) -> None:
    """Raise NodeError for what is no title."""
    if title is None or title is UNDEFINED:
        raise unreadable(title, "trim")
    if not isinstance(title, str):
        raise ThrownError("title.trim is not a function", description="The title must be a text.")
    if not title.strip():
        raise NodeError("Title is required to create a database page")


def _titles(database: Any) -> list[str]:
    """Return the names of the properties that are titles."""
    return [name for name, each in (database.get("properties") or {}).items() if each.get("type") == "title"]


def user_id(scope: Scope) -> str:
    """Return the id of a user. Raise NodeError for none."""
    given = scope.parameters.get("userId")
    if given in (None, ""):
        raise _no_identifier(given, scope)
    return js_string(given)


async def get_pages_with_files(run: Run, scope: Scope) -> list[Item]:
    """Query a database, and download the files of its pages."""
    sources = scope.version >= _SOURCES_SINCE
    path = Template("/data_sources/{$source|quote}/query") if sources else Template("/databases/{$database}/query")
    page = {
        **_PAGE,
        "when": Template("{returnAll}"),
        "next": {"json": {"start_cursor": Template("{$response.next_cursor}")}},
    }
    body = {"sorts": sorts(scope), "filter": filter(scope), "page_size": Template("{$size}")}
    found = await run.pages(scope, method="POST", path=path, page=page, json=body)
    return [item for each in found for item in await _with_files(run, scope, each)]


async def get_page_with_files(run: Run, scope: Scope) -> list[Item]:
    """Read a page, and download its files."""
    return await _with_files(run, scope, await run.request(scope, path=_page_path(scope)))


def _page_path(scope: Scope) -> Template:
    return Template("/pages/{$page|quote}" if scope.version >= _SOURCES_SINCE else "/pages/{$page}")


async def _with_files(run: Run, scope: Scope, page: Mapping[str, Any]) -> list[Item]:
    files = {
        name: await run.request(scope, url=url, response="file", bare=True) for name, url in files_of(page).items()
    }
    shown = simplified(scope.having(response=page))
    items: list[Item] = [{"json": each} for each in (shown if isinstance(shown, list) else [shown])]
    return [{**each, "binary": files} for each in items] if files else items


async def get_blocks(run: Run, scope: Scope) -> list[Item]:
    """Read the blocks below a block, and the blocks below those if the node asks for them."""
    parameters, root = scope.parameters, scope.names["block"]
    found = await _blocks(run, scope, root, nested=bool(parameters.get("fetchNestedBlocks")))
    if not parameters.get("returnAll"):
        found = sliced(found, parameters.get("limit", 50))
    simple = parameters.get("simplifyOutput", False)
    return [{"json": simple_block(each, root) if simple else each} for each in found]


async def _blocks(run: Run, scope: Scope, root: Any, *, nested: bool, depth: int = 0) -> list[dict[str, Any]]:
    page = {**_PAGE, "when": Template("{returnAll}") if not depth else True}
    page["every"] = scope.version >= _LOCATORS_SINCE
    query = {} if depth else {"page_size": Template("{$size}")}
    named = _LOCATORS_SINCE <= scope.version < _SOURCES_SINCE
    part = FILTERS["quote"](root) if scope.version >= _SOURCES_SINCE else segment(root)
    out: list[dict[str, Any]] = []
    for each in await run.pages(scope, path=f"/blocks/{part}/children", query=query, page=page):
        out.append({"object": each.get("object"), "parent_id": root, **each} if named else each)
        # A page inside a page is a document of its own.
        if nested and each.get("has_children") and each.get("type") != "child_page" and depth < _MAX_DEPTH:
            out += await _blocks(run, scope, each["id"], nested=True, depth=depth + 1)
    return out


_MAX_DEPTH: Final = 50
"""Levels of blocks that are read."""
