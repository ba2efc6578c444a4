"""Filters of Influencers Club's searches: which members of the node's collections become which members of a request.

n8n's node sends all of a collection that was added, defaults included: words that are empty are an empty list, a switch that
is off is false.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from runtime.values.javascript import truthy

__all__ = ["GENERAL", "PLATFORMS", "Filters", "lists"]


@dataclass(frozen=True)
class Filters:
    """What the members of one collection become."""

    collection: str
    ranges: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Filter -> members with its least and greatest number; 0 is no bound."""
    bounds: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The same, but 0 is a bound."""
    growth: str | None = None
    """The filter of growth in percent over months; its members begin with its name."""
    words: Sequence[str] = ()
    """Lists that are written with commas."""
    switches: Sequence[str] = ()
    chosen: Sequence[str] = ()
    """Sent where they are not empty."""

    def of(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the filters of a request."""
        made = {name: _range(given, members) for name, members in self.ranges.items() if _any(given, members)}
        for name, members in self.bounds.items():
            if any(given.get(each) is not None for each in members):
                made[name] = dict(zip(("min", "max"), map(given.get, members), strict=True))
        if self.growth is not None:
            made |= _growth(given, self.growth)
        made |= lists(given, self.words)
        made |= {name: given[name] for name in self.switches if name in given}
        return made | {name: given[name] for name in self.chosen if truthy(given.get(name))}


def lists(given: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return those of some members that are texts, as the lists that are written in them with commas."""
    texts = {name: value for name in names if isinstance(value := given.get(name), str)}
    return {name: [each for part in text.split(",") if (each := part.strip())] for name, text in texts.items()}


def _any(given: Mapping[str, Any], members: Sequence[str]) -> bool:
    return any(truthy(given.get(each)) for each in members)


def _range(given: Mapping[str, Any], members: Sequence[str]) -> dict[str, Any]:
    least, greatest = map(given.get, members)
    return {"min": least if truthy(least) else None, "max": greatest if truthy(greatest) else None}


def _growth(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    percentage, months = given.get(f"{name}_percentage"), given.get(f"{name}_time_range_months")
    if not truthy(percentage) and not truthy(months):
        return {}
    return {
        name: {
            "growth_percentage": percentage if truthy(percentage) else None,
            "time_range_months": months if truthy(months) else 3,
        }
    }


def _around(*names: str) -> dict[str, Sequence[str]]:
    """Return ranges whose members end in `_min` and `_max`."""
    return {name: (f"{name}_min", f"{name}_max") for name in names}


def _before(*names: str) -> dict[str, Sequence[str]]:
    """Return ranges whose members begin with `min_` and `max_`."""
    return {name: (f"min_{name}", f"max_{name}") for name in names}


GENERAL: Final = Filters(
    "advancedFilters",
    switches=(
        "promotes_affiliate_links", "has_done_brand_deals", "has_link_in_bio", "does_live_streaming", "has_merch",
        "exclude_role_based_emails", "exclude_previous",
    ),
)  # fmt: skip

PLATFORMS: Final[Mapping[str, Filters]] = {
    "instagram": Filters(
        "instagramFilters",
        ranges={"number_of_followers": ("min_followers", "max_followers")}
        | _before(
            "number_of_posts", "average_likes", "average_comments", "reels_percent", "average_views_for_reels", "income",
            "video_percentage",
        )
        | _around("engagement_percent"),
        growth="follower_growth",
        words=(
            "keywords_in_bio", "exclude_keywords_in_bio", "similar_to", "link_in_bio", "hashtags", "not_hashtags",
            "keywords_in_captions",
        ),
        switches=("exclude_private_profile", "is_verified", "has_videos", "has_merch"),
        chosen=("posting_frequency", "last_post"),
    ),
    "youtube": Filters(
        "youtubeFilters",
        ranges={"number_of_subscribers": ("min_subscribers", "max_subscribers")}
        | _before("shorts_percentage", "average_views_on_long_videos", "average_views_on_shorts", "number_of_videos")
        | _around("engagement_percent", "income", "average_stream_views"),
        bounds=_around("long_video_duration", "average_stream_duration"),
        growth="subscriber_growth",
        words=(
            "topics", "keywords_in_video_titles", "keywords_in_description", "keywords_not_in_description",
            "keywords_in_video_description", "keywords_not_in_video_description", "links_from_description", "hashtags",
            "not_hashtags", "links_from_video_description", "similar_to",
        ),
        switches=(
            "has_shorts", "has_community_posts", "streams_live", "has_merch", "has_podcast", "has_courses",
            "has_membership", "is_monetizing", "is_verified",
        ),
        chosen=("posting_frequency", "last_upload_long_video", "last_upload_short_video", "last_stream_upload"),
    ),
    "tiktok": Filters(
        "tiktokFilters",
        ranges=_around(
            "number_of_followers", "average_likes", "average_comments", "engagement_percent", "average_views",
            "average_video_downloads", "video_count",
        ),
        growth="follower_growth",
        words=(
            "similar_to", "keywords_in_bio", "exclude_keywords_in_bio", "link_in_bio", "hashtags", "not_hashtags",
            "video_description", "not_video_description",
        ),
        switches=("has_tik_tok_shop", "exclude_private_profile", "is_verified"),
        chosen=("posting_frequency", "last_post"),
    ),
    "twitter": Filters(
        "twitterFilters",
        ranges=_around("number_of_followers", "engagement_percent", "average_likes"),
        bounds=_before("number_of_tweets"),
        words=(
            "similar_to", "keywords_in_bio", "exclude_keywords_in_bio", "link_in_bio", "hashtags", "not_hashtags",
            "keywords_in_tweets",
        ),
        chosen=("last_post",),
    ),
    "onlyfans": Filters(
        "onlyfansFilters",
        ranges=_around("subscription_price", "number_of_photos", "number_of_likes"),
        words=("similar_to",),
        switches=("has_videos", "has_free_account", "has_live_streams", "is_verified"),
        chosen=("last_active",),
    ),
    "twitch": Filters(
        "twitchFilters",
        ranges=_around("followers")
        | _before(
            "streamed_hours_last_30_days", "maximum_views_count", "avg_views_last_30_days", "streams_count_last_30_days"
        ),
        words=("games_played", "keywords_in_description", "link_in_bio"),
        switches=("is_twitch_partner",),
        chosen=("most_recent_stream_date",),
    ),
}  # fmt: skip
