"""Enrichments: one request for each, and their data put together by id."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final

from runtime.contract import Item, MissingCredential, NodeError
from runtime.integrations.answers import ThrownError, iterated, member_of_answer, unreadable
from runtime.integrations.explorium.bodies import check_ids, ids_body, json_input, kind_of
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string, truthy
from schemas.item import UNDEFINED

__all__ = ["enriched"]

_PATHS: Final = {
    "businesses": {
        "firmographics": "firmographics",
        "technographics": "technographics",
        "company_ratings": "company_ratings_by_employees",
        "financial_metrics": "financial_indicators",
        "funding_and_acquisitions": "funding_and_acquisition",
        "challenges": "pc_business_challenges_10k",
        "competitive_landscape": "pc_competitive_landscape_10k",
        "strategic_insights": "pc_strategy_10k",
        "workforce_trends": "workforce_trends",
        "linkedin_posts": "linkedin_posts",
        "website_changes": "website_changes",
        "website_keywords": "company_website_keywords",
    },
    "prospects": {"contacts": "contacts_information", "linkedin_posts": "linkedin_posts", "profiles": "profiles"},
}
_WITH_PARAMETERS: Final = {"website_keywords", "website_traffic", "business_intent_topics"}


async def enriched(run: Run, scope: Scope) -> list[Item]:
    """Return the item with all enrichments; one that Explorium refuses is told in it. Raise NodeError."""
    kind = kind_of(scope)
    chosen = iterated(scope.parameters.get("enrichment"), "enrichments")
    body = _body(scope, kind, chosen)
    responses, entities = list[dict[str, Any]](), list[Any]()
    for name in chosen:
        path = _path(kind, name)
        try:
            response = await run.request(scope, method="POST", path=path, json=_asked(scope, body, kind, name))
            data = member_of_answer(response, "data")
            has_data = isinstance(data, list | str) and bool(data)
            responses.append({"enrichment_type": name, "response": deepcopy(response), "hasData": has_data})
            _merge(entities, data, "business_id" if kind == "businesses" else "prospect_id")
        except MissingCredential:
            raise
        except NodeError as error:
            message = error.message or f"Could not enrich {kind} with {js_string(name)} enrichment"
            responses.append({"enrichment_type": name, "response": None, "hasData": False, "error": message})
    return [{"json": {"enrichmentsResponse": responses, "enriched_data": entities}}]


def _path(kind: str, name: Any) -> str:
    found = _PATHS[kind].get(js_string(name))
    if found is None:
        raise NodeError(
            f"Unknown enrichment type: {js_string(name)} for {kind}",
            description="Use an HTTP Request node with the same credential for an enrichment that is not in the list.",
        )
    return f"/{kind}/{found}/bulk_enrich"


def _body(scope: Scope, kind: str, chosen: list[Any]) -> dict[str, Any]:
    """Return the body that all enrichments share. Raise NodeError for one without ids."""
    if truthy(scope.parameters.get("useJsonInput")):
        given = json_input(scope)
        if not isinstance(given, Mapping):
            raise ThrownError(f"Cannot use 'in' operator to search for 'business_ids' in {js_string(given)}")
        body = dict(given)
        if _WITH_PARAMETERS & set(map(js_string, chosen)) and not truthy(body.get("parameters", UNDEFINED)):
            body.pop("parameters", None)
    else:
        if kind == "prospects" and not isinstance(
            (scope.parameters.get("prospect_ids") or {}).get("prospect_ids"), list
        ):
            raise unreadable(UNDEFINED, "map")
        body = ids_body(scope, kind)
    check_ids(body)
    return body


def _asked(scope: Scope, body: dict[str, Any], kind: str, name: Any) -> dict[str, Any]:
    """Return the body of one enrichment: that of keywords has those of the form."""
    if kind != "businesses" or name != "website_keywords" or truthy(scope.parameters.get("useJsonInput")):
        return body
    entries = (scope.parameters.get("keywords") or {}).get("keywords") or []
    return body | {"parameters": {"keywords": [word for each in entries if truthy(word := each.get("keyword"))]}}


def _merge(entities: list[Any], data: Any, key: str) -> None:
    """Put the data of an answer to those of the same ids. Raise ThrownError for what is no list."""
    for entity in iterated(data if truthy(data) else [], "response.data"):
        own = member_of_answer(entity, key) if entities else None
        known = next((each for each in entities if member_of_answer(each, key) == own), None)
        if known is None:
            entities.append(entity)
            continue
        more = member_of_answer(entity, "data")
        held = member_of_answer(known, "data")
        if not isinstance(held, dict):
            raise ThrownError("Cannot convert undefined or null to object")
        held |= more if isinstance(more, Mapping) else {}
