"""What Explorium is asked: from the JSON input, or from the fields of the form."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import NodeError
from runtime.integrations.answers import ThrownError, unreadable
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_number, tidy, truthy
from runtime.values.json_text import NotJsonError, parse_json
from schemas.item import UNDEFINED

__all__ = ["check_ids", "fetch_body", "ids_body", "json_input", "kind_of", "listed", "members_of"]

_PAGE_SIZE: Final = 100
"""Records of a page where all pages are asked for."""
_FILTERS: Final = {
    "businesses": {
        "country_code": ("country_code", "code"),
        "region_country_code": ("region_country_code", "code"),
        "city_region_country": ("city_region_country", "location"),
        "company_size": ("company_size", "size"),
        "company_revenue": ("company_revenue", "range"),
        "company_age": ("company_age", "range"),
        "google_category": ("google_category", "category"),
        "naics_category": ("naics_category", "code"),
        "linkedin_category": ("linkedin_category", "category"),
        "company_tech_stack_category": ("company_tech_stack_category", "category"),
        "company_tech_stack_tech": ("company_tech_stack_tech", "tech"),
        "company_name": ("company_name", "name"),
        "number_of_locations": ("number_of_locations", "range"),
        "website_keywords": ("website_keywords", "keyword"),
    },
    "prospects": {
        "business_id": ("business_id", "id"),
        "job_level": ("job_level", "level"),
        "job_department": ("job_department", "department"),
        "job_title": ("job_title", "title"),
        "country_code": ("country_code_prospect", "code"),
        "company_country_code": ("company_country_code", "code"),
        "company_size": ("company_size_prospects", "size"),
        "company_revenue": ("company_revenue_prospects", "range"),
    },
}
"""Filter -> the parameter that has its values, and the member of an entry."""


def kind_of(scope: Scope) -> str:
    """Return `businesses` or `prospects`: all but the first is the second, as in the node."""
    return "businesses" if scope.parameters.get("type") == "businesses" else "prospects"


def json_input(scope: Scope) -> Any:
    """Return the JSON input, given as text or by an expression. Raise NodeError."""
    given = scope.parameters.get("jsonInput", UNDEFINED)
    if not truthy(given):
        raise NodeError("JSON Input is empty")
    try:
        return parse_json(given) if isinstance(given, str) else given
    except NotJsonError as error:
        raise NodeError("Invalid JSON format in JSON Input field") from error


def members_of(value: Any) -> dict[str, Any]:
    """Return what `Object.assign` takes over: members, elements by their place, characters of a text."""
    if isinstance(value, list | str):
        return {str(place): each for place, each in enumerate(value)}
    return dict(value) if isinstance(value, Mapping) else {}


def listed(value: Any, called: str) -> list[Any]:
    """Return a list on which the node calls the method that `called` ends in. Raise ThrownError for what is none."""
    if value is None or value is UNDEFINED:
        raise unreadable(value, called.rpartition(".")[2])
    if not isinstance(value, list):
        raise ThrownError(f"{called} is not a function")
    return value


def ids_body(scope: Scope, kind: str) -> dict[str, Any]:
    """Return the body with the ids of the form."""
    name = "business_ids" if kind == "businesses" else "prospect_ids"
    return {name: _entries(scope, name, "id")}


def check_ids(body: Mapping[str, Any]) -> None:
    """Raise NodeError where there are no ids in a list of ids."""
    for name, what in (("business_ids", "business"), ("prospect_ids", "prospect")):
        if name in body and not any(map(truthy, listed(body[name], f"body.{name}.filter"))):
            raise NodeError(f"At least one {what} ID is required")


def fetch_body(scope: Scope) -> dict[str, Any]:
    """Return the body of a search. Raise NodeError for additional filters that are no JSON."""
    parameters, kind = scope.parameters, scope.parameters.get("type")
    filters = _filters(scope, kind) | _additional(parameters.get("additional_filters"))
    body = {"mode": parameters.get("mode"), "size": parameters.get("size"), "filters": filters}
    if truthy(parameters.get("auto_paginate")):
        body["page_size"] = tidy(min(_PAGE_SIZE, js_number(parameters.get("size"))))
    else:
        body |= {"page_size": parameters.get("page_size"), "page": parameters.get("page")}
    if kind == "businesses" and (excluded := _chosen(scope, "exclude", "id")):
        body["exclude"] = excluded
    return body


def _filters(scope: Scope, kind: Any) -> dict[str, Any]:
    made = dict[str, Any]()
    for name, (parameter, member) in _FILTERS.get(kind, {}).items():
        if values := _chosen(scope, parameter, member):
            made[name] = {"values": values}
    if kind == "prospects":
        if "job_title" in made and truthy(scope.parameters.get("include_related_job_titles")):
            made["job_title"]["include_related_job_titles"] = scope.parameters.get("include_related_job_titles")
        made |= {name: {"value": scope.parameters.get(name)} for name in ("has_email", "has_phone_number")}
    return made


def _additional(given: Any) -> dict[str, Any]:
    try:
        return members_of(parse_json(given) if isinstance(given, str) else given)
    except NotJsonError as error:
        raise NodeError("Invalid JSON format for additional filters") from error


def _chosen(scope: Scope, parameter: str, member: str) -> list[Any]:
    return [each for each in _entries(scope, parameter, member) if truthy(each)]


def _entries(scope: Scope, parameter: str, member: str) -> list[Any]:
    """Return a member of each entry of a collection whose group has the collection's name."""
    given = scope.parameters.get(parameter)
    found = given.get(parameter) if isinstance(given, Mapping) else None
    return [each.get(member) for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []
