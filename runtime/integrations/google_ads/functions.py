"""Google Ads: the query of a campaign's fields, and campaigns as items."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

__all__ = ["campaign_query", "campaigns", "campaigns_query"]

_FIELDS: Final = (
    "campaign.id, campaign.name, campaign_budget.amount_micros, campaign_budget.period,campaign.status,"
    "campaign.optimization_score,campaign.advertising_channel_type,campaign.advertising_channel_sub_type,"
    "metrics.impressions,metrics.interactions,metrics.interaction_rate,metrics.average_cost,metrics.cost_micros,"
    "metrics.conversions,metrics.cost_per_conversion,metrics.conversions_from_interactions_rate,"
    "metrics.video_trueview_views,metrics.average_cpm,metrics.ctr"
)
"""Spaces as n8n sends them."""


def campaign_query(scope: Scope) -> str:
    """Return the query of one campaign."""
    id_ = js_string(scope.parameters.get("campaignId", UNDEFINED)).replace("-", "").strip()
    return f"select {_FIELDS} from campaign where campaign.id = {id_}"  # noqa: S608 - Google's query language, which only reads


def campaigns(scope: Scope) -> list[dict[str, Any]]:
    """Return the campaigns of a response: their own fields, figures and budget in one object each."""
    response = scope.names["response"]
    results = response.get("results") if isinstance(response, Mapping) else None
    return [
        {**each.get("campaign", {}), **each.get("metrics", {}), **each.get("campaignBudget", {})}
        for each in results or []
    ]


def campaigns_query(scope: Scope) -> str:
    """Return the query of all campaigns, of a date range and a status where one is chosen."""
    options: Any = scope.parameters.get("additionalOptions") or {}
    dates, status = options.get("dateRange") or "allTime", options.get("campaignStatus") or "all"
    during = "" if dates == "allTime" else f" and segments.date DURING {dates}"
    state = "" if status == "all" else f" and campaign.status = '{status}'"
    return f"select {_FIELDS} from campaign where campaign.id > 0 {during} {state}"  # noqa: S608 - see above
