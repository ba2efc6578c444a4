"""Explorium: what is sent and given for each item. An error of one item ends the node's run, with one error item where it goes on."""

import math
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final

from runtime.contract import Item, Items, NodeError
from runtime.integrations.answers import ThrownError, iterated, member_of_answer
from runtime.integrations.explorium.bodies import (
    check_ids,
    fetch_body,
    ids_body,
    json_input,
    kind_of,
    listed,
    members_of,
)
from runtime.integrations.explorium.enrichments import enriched
from runtime.integrations.operation import MAX_PAGES, Run
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_number, js_string, truthy
from schemas.item import UNDEFINED

Work = Callable[[Run, Scope], Awaitable[list[Item]]]

_WITHOUT_IDENTIFIER: Final = {
    "businesses_to_match": "At least one company must have an identifier (name or domain)",
    "prospects_to_match": "At least one prospect must have an identifier (email, phone_number, full_name, company_name, "
    "linkedin, or business_id)",
}


async def match(run: Run) -> Items:
    """Find the ids of businesses or prospects. Raise NodeError."""
    return await _each(run, _match)


async def enrich(run: Run) -> Items:
    """Give data about businesses or prospects, all enrichments of an item in one. Raise NodeError."""
    return await _each(run, enriched)


async def fetch(run: Run) -> Items:
    """Give the businesses or prospects that filters let through. Raise NodeError."""
    return await _each(run, _fetch)


async def events(run: Run) -> Items:
    """Give the events of businesses or prospects. Raise NodeError."""
    return await _each(run, _events)


async def autocomplete(run: Run) -> Items:
    """Give the values that fields may have. Raise NodeError."""
    return await _each(run, _autocomplete)


async def _each(run: Run, work: Work) -> Items:
    out: Items = []
    for i in range(len(run.items)):
        out += await run.once(i, partial(_one, run, i, work))
    return out


async def _one(run: Run, i: int, work: Work) -> list[Item]:
    return [{**each, "pairedItem": {"item": i}} for each in await work(run, await run.scope(i))]


async def _match(run: Run, scope: Scope) -> list[Item]:
    kind = kind_of(scope)
    name = f"{kind}_to_match"
    given = json_input(scope) if truthy(scope.parameters.get("useJsonInput")) else scope.parameters.get(name) or {}
    found = member_of_answer(given, name)
    entries = listed(
        found if truthy(found) else [], f"{'businessList' if kind == 'businesses' else 'prospectList'}.map"
    )
    entries = [filled for each in entries if (filled := _filled(each))]
    if not entries:
        raise NodeError(_WITHOUT_IDENTIFIER[name])
    return [{"json": await run.request(scope, method="POST", path=f"/{kind}/match", json={name: entries})}]


def _filled(entry: Any) -> dict[str, Any]:
    """Return the members of an entry that are not empty. Raise ThrownError for what has no members."""
    if entry is None or entry is UNDEFINED:
        raise ThrownError("Cannot convert undefined or null to object")
    members = members_of(entry)
    return {
        name: each for name, each in members.items() if truthy(each) and (not isinstance(each, str) or each.strip())
    }


async def _fetch(run: Run, scope: Scope) -> list[Item]:
    kind, as_json = kind_of(scope), truthy(scope.parameters.get("useJsonInput"))
    body = json_input(scope) if as_json else fetch_body(scope)
    if not as_json and truthy(scope.parameters.get("auto_paginate")):
        return await _pages(run, scope, kind, body)
    response = await run.request(scope, method="POST", path=f"/{kind}", json=body)
    return _given(scope, response, member_of_answer(response, "data"))


async def _pages(run: Run, scope: Scope, kind: str, body: Mapping[str, Any]) -> list[Item]:
    """Return the records of all pages up to the size. Raise NodeError."""
    out: list[Item] = []
    size = js_number(scope.parameters.get("size"))
    wanted, had = size, 0
    for page in range(1, MAX_PAGES + 1):
        if not had < wanted:
            return out
        response = await run.request(scope, method="POST", path=f"/{kind}", json={**body, "page": page})
        records = member_of_answer(response, "data")
        if not isinstance(records, list) or not records:
            return out
        had += len(records)
        total = js_number(member_of_answer(response, "total_results"))
        wanted = math.nan if math.isnan(total) else min(size, total)
        if had > wanted:  # the last page has more than what was left
            del records[int(wanted - had) :]
        out += _given(scope, response, records)
    raise NodeError("Explorium API gave pages without end")


async def _events(run: Run, scope: Scope) -> list[Item]:
    kind, parameters = kind_of(scope), scope.parameters
    if truthy(parameters.get("useJsonInput")):
        body = members_of(json_input(scope))
    else:
        body = ids_body(scope, kind) | {"event_types": parameters.get("event_types")}
        times = {name: parameters.get(name) for name in ("timestamp_from", "timestamp_to")}
        body |= {name: each for name, each in times.items() if truthy(each)}
    check_ids(body)
    types = body.get("event_types")
    if not truthy(types) or (isinstance(types, list) and not types):
        raise NodeError("At least one event type is required")
    response = await run.request(scope, method="POST", path=f"/{kind}/events", json=body)
    return _given(scope, response, member_of_answer(response, "output_events"))


def _given(scope: Scope, response: Any, records: Any) -> list[Item]:
    """Return an item per record where the author wants that, else the response."""
    if truthy(scope.parameters.get("extractData")) and isinstance(records, list):
        return [{"json": each} for each in records]
    return [{"json": response}]


async def _autocomplete(run: Run, scope: Scope) -> list[Item]:
    if truthy(scope.parameters.get("useJsonInput")):
        asked = member_of_answer(json_input(scope), "autocomplete_requests")
    else:
        asked = (scope.parameters.get("autocomplete_fields") or {}).get("autocomplete_fields")
    asked = iterated(asked if truthy(asked) else [], "autocompleteRequests")
    if not asked:
        raise NodeError("At least one autocomplete request is required")
    results = [await _completed(run, scope, each) for each in asked]
    return [{"json": {"results": results}}]


async def _completed(run: Run, scope: Scope, asked: Any) -> dict[str, Any]:
    members = asked if isinstance(asked, Mapping) else {}
    if not truthy(members.get("field")):
        raise NodeError("Field is required for each autocomplete request")
    query = {name: members[name] for name in ("field", "query") if members.get(name, UNDEFINED) is not UNDEFINED}
    try:
        return query | {"data": await run.request(scope, path="/businesses/autocomplete", query=query)}
    except NodeError as error:
        field, text = (js_string(members.get(name, UNDEFINED)) for name in ("field", "query"))
        before = error.description if error.description is not None else "undefined"
        error.description = f"{before}. Error fetching autocomplete data for {field} with query {text}."
        raise
