"""YouTube: parts of answers, bodies of videos and playlists, and uploads."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Item, NodeError
from runtime.integrations.answers import unreadable
from runtime.integrations.filters import FILTERS
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

__all__ = ["branding", "mine", "parts", "playlist", "playlist_changes", "upload", "video"]

_SNIPPET: Final = ("description", "defaultLanguage")
_STATUS: Final = (
    "privacyStatus", "embeddable", "publicStatsViewable", "publishAt", "selfDeclaredMadeForKids", "license",
)  # fmt: skip


def parts(scope: Scope) -> Any:
    """Return the parts to answer with; for all of them, all that the node lists."""
    chosen = scope.parameters.get("part")
    if chosen is None:
        return UNDEFINED
    fact = scope.parameters.fact("part")
    every = [each for each in (fact.options if fact else ()) if each != "*"]
    return ",".join(every if "*" in chosen else map(js_string, chosen))


def mine(scope: Scope) -> Any:
    """Return whether the account's own are asked for, as they are unless a filter names others."""
    return UNDEFINED if scope.parameters.get("filters") else True


def playlist(scope: Scope) -> dict[str, Any]:
    """Return the body of a new playlist."""
    given = scope.parameters.get("options") or {}
    snippet = {"title": scope.parameters.get("title"), **_snippet(given)}
    snippet.pop("description", None)  # n8n does not send it
    return {"snippet": snippet | ({"privacyStatus": given["privacyStatus"]} if given.get("privacyStatus") else {})}


def playlist_changes(scope: Scope) -> dict[str, Any]:
    """Return the members of a playlist that change."""
    given = scope.parameters.get("updateFields") or {}
    status = {"privacyStatus": given["privacyStatus"]} if given.get("privacyStatus") else {}
    return {"snippet": {"title": scope.parameters.get("title"), **_snippet(given)}, "status": status}


def branding(scope: Scope) -> dict[str, Any]:
    """Return the members of a channel that change. Raise NodeError for pictures, with which n8n's node fails."""
    given = (scope.parameters.get("updateFields") or {}).get("brandingSettingsUi") or {}
    channel = (given.get("channelSettingsValues") or {}).get("channel") or {}
    if "imageSettingsValues" in given:  # n8n reads the pictures where its form does not put them
        raise unreadable(UNDEFINED, "bannerExternalUrl", scope.index)
    made: dict[str, Any] = {"brandingSettings": {"channel": channel, "image": {}}}
    status = (given.get("statusValue") or {}).get("status")
    return made if status is None else made | {"status": status}


def _snippet(given: Mapping[str, Any]) -> dict[str, Any]:
    made = {name: given[name] for name in _SNIPPET if given.get(name)}
    return made | ({"tags": js_string(given["tags"]).split(",")} if given.get("tags") else {})


def video(scope: Scope) -> dict[str, Any]:
    """Return the body of a video to upload or to change."""
    parameters = scope.parameters
    given = parameters.get("options") or parameters.get("updateFields") or {}
    return {
        "snippet": {
            "title": parameters.get("title"), "categoryId": parameters.get("categoryId", ""), **_snippet(given)
        },
        "status": {name: given[name] for name in _STATUS if given.get(name)},
        "recordingDetails": {"recordingDate": given["recordingDate"]} if given.get("recordingDate") else {},
    }  # fmt: skip


async def upload(run: Run, scope: Scope) -> list[Item]:
    """Send a file of the item in Google's resumable way. Raise NodeError."""
    parameters = scope.parameters
    name = js_string(parameters.get("binaryProperty") or "data")
    ref = run.file(scope.index, name)
    size = len(await run.context.blobs.open(ref))
    started = await run.response(
        scope, method="POST", url="https://www.googleapis.com/upload/youtube/v3/videos", json=video(scope),
        query={
            "uploadType": "resumable", "part": "snippet,status,recordingDetails",
            "notifySubscribers": bool((parameters.get("options") or {}).get("notifySubscribers", False)),
        },
        headers={"X-Upload-Content-Length": str(size), "X-Upload-Content-Type": ref.get("mimeType") or "video/mp4"},
    )  # fmt: skip
    target = started.headers.get("location")
    if not target:
        raise NodeError("YouTube gave no address for the video", item=scope.index)
    made = await run.request(
        scope, method="PUT", url=target, file=name, bare=True, type="application/x-www-form-urlencoded",
        headers={"Content-Range": f"bytes 0-{max(size - 1, 0)}/{size}"},
    )  # fmt: skip
    found = made if isinstance(made, Mapping) else FILTERS["json"](made)
    return [{"json": {"uploadId": found.get("id"), **found}}]
