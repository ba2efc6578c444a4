"""Supabase: rows, and conditions in the syntax of PostgREST."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, quote

from runtime.contract import Item, Items, NodeError
from runtime.integrations.answers import ThrownError, unreadable
from runtime.integrations.filters import FILTERS
from runtime.integrations.operation import MAX_PAGES, NodeFailure, Run
from runtime.integrations.scope import Scope
from runtime.integrations.template import Template
from runtime.values.javascript import js_string, truthy
from schemas.item import UNDEFINED

_PAGE_ROWS: Final = 1_000
"""The rows that PostgREST gives at once, as Supabase sets it up."""
_OPERATORS: Final = frozenset({"eq", "neq", "gt", "gte", "lt", "lte", "like", "ilike", "is", "fullText"})
_RESERVED: Final = frozenset(',.:()"')
_RESERVED_IN_OPERANDS: Final = _RESERVED | frozenset(" &")
_PLACE: Final = re.compile(r"\$(\d{1,3})")


def table(scope: Scope) -> Any:
    """Return the name of the table. Raise NodeError where there is none."""
    name = scope.parameters.get("tableId")
    if not truthy(name):
        raise NodeError("Invalid identifier: a value is required", description="Choose the table.", item=scope.index)
    return name


def schema(scope: Scope) -> Any:
    """Return the schema of the table; UNDEFINED for the database's own. Where an expression says whether there is one, n8n takes `public`."""
    written = scope.parameters.written.get("useCustomSchema")
    if isinstance(written, str) and written.startswith("="):
        return "public"
    return scope.parameters.get("schema") or UNDEFINED


def changes(scope: Scope) -> Any:
    """Return the columns that an update changes; UNDEFINED without one: the request has no body then."""
    return row(scope) or UNDEFINED


def row(scope: Scope) -> dict[str, Any]:
    """Return the columns of a row: the item's, or the ones in the parameters."""
    if scope.parameters.get("dataToSend", "defineBelow") == "autoMapInputData":
        ignored = set(FILTERS["split"](scope.parameters.get("inputsToIgnore", "")))
        columns: Mapping[str, Any] = scope.item.get("json") or {}
        return {name: each for name, each in columns.items() if name not in ignored}
    fields = _entries(scope.parameters.get("fieldsUi"), "fieldValues")
    return {js_string(each.get("fieldId", UNDEFINED)): each.get("fieldValue", UNDEFINED) for each in fields}


def _entries(given: Any, group: str) -> list[Mapping[str, Any]]:
    found = given.get(group) if isinstance(given, Mapping) else None
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def conditions(scope: Scope) -> dict[str, Any]:
    """Return the conditions of an operation as members of its query; empty when there are none."""
    parameters = scope.parameters
    if parameters.get("operation") == "get":
        columns = _entries(parameters.get("filters"), "conditions")
        return {_column(each): f"eq.{js_string(each.get('keyValue', ''))}" for each in columns}
    kind = parameters.get("filterType", "manual")
    if kind == "string":
        return _filter(_text(scope))
    given = _entries(parameters.get("filters"), "conditions") if kind == "manual" else []
    pairs = [(_column(each), _test(each, scope)) for each in given]
    match = parameters.get("matchType", "allFilters")
    if match == "allFilters" and parameters.get("operation") != "getAll":
        return _members(pairs)
    tests = [f"{name}.{_quoted(test)}" for name, test in pairs]
    joint = {"allFilters": "and", "anyFilter": "or"}.get(js_string(match))
    return {joint: f"({','.join(tests)})"} if tests and joint else {}


def _test(given: Mapping[str, Any], scope: Scope) -> str:
    """Return the operator and the operand of a condition. Raise NodeError for an operator that there is not."""
    operator = js_string(given.get("condition", ""))
    if operator not in _OPERATORS:
        raise NodeFailure(NodeError(f'Unsupported filter condition: "{operator}"', item=scope.index))
    if operator == "fullText":
        operator = js_string(given.get("searchFunction", "fts"))
        if not operator:
            raise NodeError('There is no search function ""', item=scope.index)
    return f"{operator}.{js_string(given.get('keyValue', UNDEFINED))}"


def _quoted(test: str) -> str:
    """Return a condition as it stands in a list: quotes keep a separator in its operand from ending it."""
    operator, _, operand = test.partition(".")
    return f"{operator}.{_in_quotes(operand)}" if _RESERVED_IN_OPERANDS.intersection(operand) else test


def _column(given: Mapping[str, Any]) -> str:
    """Return the name of a column, in quotes where it has a separator."""
    name = js_string(given.get("keyName", ""))
    return _in_quotes(name) if _RESERVED.intersection(name) else name


def _in_quotes(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _text(scope: Scope) -> str:
    """Return the filter string of an item; `$1`, `$2`, ... are its parameters, which cannot add members."""
    given = _entries(scope.parameters.get("filterStringParameters"), "values")

    def value(match: re.Match[str]) -> str:
        place = int(match[1])
        return quote(js_string(given[place - 1].get("value", "")), safe="") if 0 < place <= len(given) else match[0]

    return _PLACE.sub(value, js_string(scope.parameters.get("filterString", "")))


def _filter(text: str) -> dict[str, Any]:
    """Return a filter string as members of a query."""
    return _members(parse_qsl(text.replace("+", "%2B"), keep_blank_values=True))


async def get_all_by_text(run: Run, scope: Scope) -> list[Item]:
    """Return the rows that a filter string finds."""
    everything, limit = scope.parameters.get("returnAll"), scope.parameters.get("limit")
    query = await _accumulated(run, scope)
    query |= {
        "order": scope.parameters.get("orderBy") or UNDEFINED,
        "limit": UNDEFINED if limit is None or everything is not False else limit,
    }
    found: list[Any] = []
    for _ in range(MAX_PAGES):
        place = {"offset": len(found)} if found else {}
        answer = await run.request(
            scope,
            path=Template("/{$table}"),
            query=query | place,
            headers=Template("{$read}"),
            arrays="repeat",
        )
        page = rows(scope.having(response=answer))
        found += page
        if len(page) < _PAGE_ROWS or (not everything and limit and len(found) >= limit):
            break
    return [{"json": each} for each in (found if everything or not limit else found[: int(limit)])]


async def update_by_text(run: Run, scope: Scope) -> list[Item]:
    """Change the rows that a filter string finds. Raise NodeError without a condition."""
    query = await _accumulated(run, scope)
    if not query:
        raise NodeError("At least one select condition must be defined", item=scope.index)
    answer = await run.request(
        scope,
        method="PATCH",
        path=Template("/{$table}"),
        query=query,
        headers=Template("{$written}"),
        json=changes(scope),
        arrays="repeat",
    )
    return [{"json": each} for each in (answer if isinstance(answer, list) else [answer])]


async def _accumulated(run: Run, scope: Scope) -> dict[str, Any]:
    """Return the filter of an item behind those of the items before it: n8n's node writes each behind the last address."""
    texts: list[str] = run.kept.setdefault("filters", [])
    while len(texts) <= scope.index:  # an item that an earlier attempt has done is read here
        texts.append(_text(await run.scope(len(texts))))
    return _filter("?".join(texts[: scope.index + 1]))


def _members(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Return pairs as an object; a name that comes again has a list, since each of its conditions counts."""
    made: dict[str, list[str]] = {}
    for name, each in pairs:
        made.setdefault(name, []).append(each)
    return {name: each if len(each) > 1 else each[0] for name, each in made.items()}


def rows(scope: Scope) -> list[Any]:
    """Return the rows of an answer; an answer that is no list is one. Raise NodeError for null."""
    answer = scope.names["response"]
    if answer is None:
        raise NodeError("Supabase answered null, where rows were expected", item=scope.index)
    return [{}] if answer is UNDEFINED else answer if isinstance(answer, list) else [answer]


def offset(scope: Scope) -> Any:
    """Return where the next page begins; UNDEFINED after a page that is not full."""
    return scope.names["collected"] if len(scope.names["found"]) >= _PAGE_ROWS else UNDEFINED


async def create(run: Run) -> Items:
    """Insert the rows of all items at once."""
    scopes = [await run.scope(i) for i in range(len(run.items))]
    made = await run.request(
        scopes[0],
        method="POST",
        path=Template("/{$table}"),
        headers=Template("{$written}"),
        json=[row(each) for each in scopes],
    )
    if made is UNDEFINED:
        raise unreadable(made, "forEach")
    if isinstance(made, list):
        return [{"json": each, "pairedItem": {"item": i}} for i, each in enumerate(made)]
    if not run.context.continue_on_fail:
        raise ThrownError(
            "createdRows.forEach is not a function", description="Supabase answered with no list of rows."
        )
    return [{"json": {}, "pairedItem": list(range(len(run.items)))}]
