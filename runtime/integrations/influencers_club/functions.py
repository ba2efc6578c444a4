"""Influencers Club: searches for creators with filters, and uploads of lists."""

from collections.abc import Mapping
from typing import Any

from runtime.integrations.influencers_club.filters import GENERAL, PLATFORMS, Filters, lists
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_number, js_string, truthy
from schemas.item import UNDEFINED


def discovery(scope: Scope) -> dict[str, Any]:
    """Return the body of a search."""
    parameters = scope.parameters
    return {
        "platform": parameters.get("platform"),
        "paging": {"limit": parameters.get("discovery_limit"), "page": parameters.get("discovery_page")},
        "sort": {"sort_by": parameters.get("discovery_sort_by"), "sort_order": "desc"},
        "filters": _filters(scope),
    }


def lookalikes(scope: Scope) -> dict[str, Any]:
    """Return the body of a search for creators like one."""
    parameters = scope.parameters
    return {
        "filter_value": parameters.get("filter_value"),
        "filter_key": parameters.get("filter_key"),
        "platform": parameters.get("platform"),
        "paging": {"limit": 5, "page": 0},
        "filters": _filters(scope),
    }


def batch_file_name(scope: Scope) -> str:
    """Return what an uploaded list is called."""
    ref = (scope.item.get("binary") or {}).get(js_string(scope.parameters.get("batch_binary_property", UNDEFINED)))
    return (ref and ref.get("fileName")) or "batch.csv"


def batch_fields(scope: Scope) -> dict[str, str]:
    """Return the fields of an upload beside its file."""
    collection = scope.parameters.get("batchAdditionalOptions")
    options = collection.get("options") if isinstance(collection, Mapping) else None
    names = (
        "metadata", "email_required", "include_lookalikes", "include_audience_data", "exclude_platforms", "min_followers",
    )  # fmt: skip
    given: dict[str, Any] = {"platform": scope.parameters.get("batch_platform")}
    if isinstance(options, Mapping):
        given |= {name: options.get(name) for name in names}
    if not js_number(given.get("min_followers")) > 0:
        given["min_followers"] = None
    mode = {"enrichment_mode": js_string(scope.parameters.get("batch_enrichment_mode", UNDEFINED))}
    return mode | {name: js_string(each) for name, each in given.items() if truthy(each)}


def _filters(scope: Scope) -> dict[str, Any]:
    platform = scope.parameters.get("platform")
    own = PLATFORMS.get(platform) if isinstance(platform, str) else None
    made = {"ai_search": ""} | _general(scope, platform)
    return made if own is None else made | own.of(_group(scope, own, "values"))


def _general(scope: Scope, platform: Any) -> dict[str, Any]:
    """Return the filters that every platform has.

    n8n's node reads `creator_has` as a list, which the editor never writes there: it is not sent.
    """
    given = _group(scope, GENERAL, "filters")
    made = GENERAL.of(given)
    made |= lists(given, [name for name in ("location", "profile_language", "brands") if given.get(name)])
    kind, gender = given.get("type"), given.get("gender")
    if truthy(kind) and platform in ("instagram", "youtube", "tiktok"):
        made["type"] = kind
    if truthy(gender) and kind != "business":
        made["gender"] = gender
    return made


def _group(scope: Scope, filters: Filters, name: str) -> Mapping[str, Any]:
    """Return the entry of a collection."""
    collection = scope.parameters.get(filters.collection)
    found = collection.get(name) if isinstance(collection, Mapping) else None
    return found if isinstance(found, Mapping) else {}
