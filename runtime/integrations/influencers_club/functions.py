"""Influencers Club: searches for creators with filters, and uploads of lists."""

from collections.abc import Mapping
from typing import Any

from runtime.integrations.influencers_club.filters import GENERAL, PLATFORMS, Filters, words
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_number, js_string, truthy


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
    parameters, options = scope.parameters, _options(scope, "additionalOptions")
    return {
        "filter_value": parameters.get("filter_value"),
        "filter_key": parameters.get("filter_key"),
        "platform": parameters.get("platform"),
        "paging": {"limit": _or(options, "lookalikes_limit", 5), "page": _or(options, "lookalikes_page", 0)},
        "filters": _filters(scope),
    }


def batch_file_name(scope: Scope) -> str:
    """Return what an uploaded list is called."""
    ref = (scope.item.get("binary") or {}).get(js_string(scope.parameters.get("batch_binary_property")))
    return (ref or {}).get("fileName") or "batch.csv"


def batch_fields(scope: Scope) -> dict[str, str]:
    """Return the fields of an upload beside its file."""
    options = _options(scope, "batchAdditionalOptions")
    names = (
        "metadata", "email_required", "include_lookalikes", "include_audience_data", "exclude_platforms", "min_followers",
    )  # fmt: skip
    given = {"platform": scope.parameters.get("batch_platform")} | {name: options.get(name) for name in names}
    if not js_number(given["min_followers"]) > 0:
        del given["min_followers"]
    mode = {"enrichment_mode": js_string(scope.parameters.get("batch_enrichment_mode"))}
    return mode | {name: js_string(each) for name, each in given.items() if truthy(each)}


def _filters(scope: Scope) -> dict[str, Any]:
    asked = _options(scope, "additionalOptions").get("ai_search")
    platform = scope.parameters.get("platform")
    own = PLATFORMS.get(platform) if isinstance(platform, str) else None
    made = {"ai_search": asked if truthy(asked) else ""} | _general(scope, platform)
    return made if own is None else made | own.of(_group(scope, own, "values"))


def _general(scope: Scope, platform: Any) -> dict[str, Any]:
    """Return the filters that every platform has."""
    given = _group(scope, GENERAL, "filters")
    made = GENERAL.of(given)
    lists = {name: words(given.get(name)) for name in ("location", "profile_language", "brands") if given.get(name)}
    made |= {name: each for name, each in lists.items() if each is not None}
    kind, gender = given.get("type"), given.get("gender")
    if truthy(kind) and platform in ("instagram", "youtube", "tiktok"):
        made["type"] = kind
    if truthy(gender) and kind != "business":
        made["gender"] = gender
    has = _presences(scope)
    return made | ({"creator_has": has} if has is not None else {})


def _presences(scope: Scope) -> dict[str, Any] | None:
    """Return the platforms that a creator is on. n8n's node reads a list of them: from the editor there comes none."""
    collection = scope.parameters.get("advancedFilters")
    group = collection.get("filters") if isinstance(collection, Mapping) else None
    creator_has = group.get("creator_has") if isinstance(group, Mapping) else None
    entries = creator_has.get("platforms") if isinstance(creator_has, Mapping) else None
    if not isinstance(entries, list) or not entries:
        return None
    return {f"has_{name}": each for entry in entries for name, each in entry.items()}


def _group(scope: Scope, filters: Filters, name: str) -> Mapping[str, Any]:
    """Return the entry of a collection, of several the first."""
    collection = scope.parameters.get(filters.collection)
    found = collection.get(name) if isinstance(collection, Mapping) else None
    if isinstance(found, list):
        found = found[0] if found else None
    return found if isinstance(found, Mapping) else {}


def _options(scope: Scope, name: str) -> Mapping[str, Any]:
    collection = scope.parameters.get(name)
    found = collection.get("options") if isinstance(collection, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _or(options: Mapping[str, Any], name: str, default: int) -> Any:
    found = options.get(name)
    return default if found is None else found
