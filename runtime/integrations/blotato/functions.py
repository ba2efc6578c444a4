"""Blotato: posts for each platform, and files."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Item, NodeError
from runtime.integrations.files import data_url
from runtime.integrations.filters import FILTERS
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

_MOST_BYTES: Final = 15 * 1024 * 1024
"""Of a file that is sent inside a request: Blotato's limit."""
_NEEDS_MEDIA: Final = frozenset({"instagram", "tiktok", "pinterest", "youtube"})
_THREADS: Final = frozenset({"twitter", "threads", "bluesky"})
_OPTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "facebook": {"facebookMediaType": "mediaType", "facebookLink": "link"},
    "threads": {"threadsReplyControl": "replyControl"},
    "linkedin": {"linkedinPageId": "pageId"},
    "instagram": {
        "instagramMediaType": "mediaType",
        "instagramAudioName": "audioName",
        "instagramAltText": "altText",
        "instagramCoverImageUrl": "coverImageUrl",
    },
    "pinterest": {"pinterestAltText": "altText", "pinterestLink": "link"},
    "tiktok": {"imageCoverIndex": "imageCoverIndex", "videoCoverTimestamp": "videoCoverTimestamp"},
}
"""Platform -> option of the node -> member of the target."""
_PARAMETERS: Final[Mapping[str, Mapping[str, str]]] = {
    "facebook": {"facebookPageId": "pageId"},
    "pinterest": {"pinterestBoardId": "boardId", "postCreatePinterestOptionTitle": "title"},
    "tiktok": {
        "postCreateTiktokOptionPrivacyLevel": "privacyLevel",
        "postCreateTiktokOptionDisabledComments": "disabledComments",
        "postCreateTiktokOptionDisabledDuet": "disabledDuet",
        "postCreateTiktokOptionDisabledStitch": "disabledStitch",
        "postCreateTiktokOptionIsBrandedContent": "isBrandedContent",
        "postCreateTiktokOptionIsYourBrand": "isYourBrand",
        "postCreateTiktokOptionIsAiGenerated": "isAiGenerated",
        "postCreateTiktokOptionAutoAddMusic": "autoAddMusic",
        "postCreateTiktokOptionIsDraft": "isDraft",
        "postCreateTiktokOptionTitle": "title",
    },
    "youtube": {
        "postCreateYoutubeOptionTitle": "title",
        "postCreateYoutubeOptionPrivacyStatus": "privacyStatus",
        "postCreateYoutubeOptionShouldNotifySubscribers": "shouldNotifySubscribers",
        "postCreateYoutubeOptionMadeForKids": "isMadeForKids",
        "postCreateYoutubeOptionContainsSyntheticMedia": "containsSyntheticMedia",
    },
}
"""Platform -> parameter of the node -> member of the target."""
_HIDDEN: Final = (
    "disabledComments",
    "disabledDuet",
    "disabledStitch",
    "isBrandedContent",
    "isYourBrand",
    "isAiGenerated",
    "autoAddMusic",
)
"""What a draft for TikTok does not show, and has as false."""


def post(scope: Scope) -> dict[str, Any]:
    """Return the body of a post. Raise NodeError when its platform needs media and there is none."""
    parameters = scope.parameters
    options = parameters.get("options") or {}
    platform = js_string(parameters.get("platform", UNDEFINED))
    media = _urls(parameters.get("postContentMediaUrls"))
    if platform in _NEEDS_MEDIA and not media:
        raise NodeError(f"{platform.capitalize()} requires you to post an image or video.", item=scope.index)
    content: dict[str, Any] = {"platform": platform, "text": parameters.get("postContentText"), "mediaUrls": media}
    if platform in _THREADS and (further := _further(scope)):
        content["additionalPosts"] = further
    account = FILTERS["locator"](parameters.get("accountId"))
    body: dict[str, Any] = {
        "post": {"target": _target(scope, platform, options), "content": content, "accountId": account}
    }
    if when := options.get("scheduledTime"):
        text = js_string(when)
        body["scheduledTime"] = text if text.endswith("Z") or "+" in text or text[-6:-5] == "-" else f"{text}Z"
    return body | {"useNextFreeSlot": bool(parameters.get("useNextFreeSlot"))}


def _target(scope: Scope, platform: str, options: Mapping[str, Any]) -> dict[str, Any]:
    parameters = scope.parameters
    target: dict[str, Any] = {"targetType": platform}
    for name, wire in _PARAMETERS.get(platform, {}).items():
        value = FILTERS["locator"](parameters.get(name))
        if value not in (None, "") or (wire == "title" and platform == "youtube"):
            target[wire] = value
    if platform == "tiktok":
        target = dict.fromkeys(_HIDDEN, False) | target
    for name, wire in _OPTIONS.get(platform, {}).items():
        value = FILTERS["locator"](options.get(name))
        if value or (platform == "tiktok" and value is not None and name in options):
            target[wire] = value
    if platform == "instagram" and (names := _urls(options.get("instagramCollaborators"))[:3]):
        target["collaborators"] = names
    return target


def _further(scope: Scope) -> list[dict[str, Any]]:
    """Return the further posts of a thread. Raise NodeError when they are not JSON."""
    parameters = scope.parameters
    if parameters.get("threadInputMethod") == "array":
        given = parameters.get("threadPostsArray")
        posts = FILTERS["json"](given) if isinstance(given, str) and given.strip() else given
    else:
        posts = (parameters.get("postContentAdditionalPosts") or {}).get("posts")
    posts = posts if isinstance(posts, list) else []
    return [{"text": each.get("text") or "", "mediaUrls": _urls(each.get("mediaUrls"))} for each in posts]


def _urls(value: Any) -> list[str]:
    if isinstance(value, list):
        return [each for each in value if isinstance(each, str) and each]
    return FILTERS["split"](value) if isinstance(value, str) else []


async def upload_file(run: Run, scope: Scope) -> list[Item]:
    """Upload a file of the item. Raise NodeError when it is too large to be sent inside a request."""
    name = js_string(scope.parameters.get("binaryPropertyName", UNDEFINED))
    size = len(await run.context.blobs.open(run.file(scope.index, name)))
    if size > _MOST_BYTES:
        raise NodeError(
            f"The file has {size:,} bytes, and Blotato takes at most {_MOST_BYTES:,}",
            description="Upload it by its public address.",
            item=scope.index,
        )
    body = {"url": await data_url(run, scope.index, name)}
    return [{"json": await run.request(scope, method="POST", path="/media", json=body)}]
