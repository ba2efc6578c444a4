"""Google Drive Trigger: files and folders that were created or changed since the last poll."""

from typing import Any, Final

from runtime.contract import Items, NodeApiError
from runtime.integrations.answers import appended, member_of_answer
from runtime.integrations.template import Template
from runtime.integrations.triggers.poll_trigger import PollRun
from runtime.integrations.triggers.times import Interval

_FOLDER: Final = "application/vnd.google-apps.folder"
_EVERYWHERE: Final = {
    "includeItemsFromAllDrives": True, "supportsAllDrives": True, "spaces": "appDataFolder, drive", "corpora": "allDrives",
}  # fmt: skip


async def poll(poll: PollRun) -> Items:
    """Return the files that have changed."""
    time, names = Interval(poll.state, poll.now), poll.scope.names
    event, place = poll.scope.parameters.get("event"), poll.scope.parameters.get("triggerOn")
    query = _EVERYWHERE | {"q": _search(poll, time.start), "fields": "nextPageToken, files(*)"}
    if poll.manual:
        found = appended(await poll.request(path="/drive/v3/files", query=query | {"pageSize": 1}), "files")
    else:
        page = {
            "items": Template("{$response.files}"),
            "next": {"query": {"pageToken": Template("{$response.nextPageToken}")}},
        }
        asked = query | {"maxResults": 100, "pageSize": 100}
        found = await poll.pages(path="/drive/v3/files", query=asked, page={"when": True, **page})
    if poll.manual:  # n8n shows the newest file, whichever is watched
        pass
    elif place == "specificFile":
        found = [each for each in found if member_of_answer(each, "id") == names["file"]]
    elif place == "specificFolder" and event == "watchFolderUpdated":
        found = [each for each in found if member_of_answer(each, "id") == names["folder"]]
    time.close()
    if poll.manual and not found:
        raise NodeApiError("No data with the current filter could be found")
    return [{"json": each} for each in found]


def _search(poll: PollRun, since: str) -> str:
    parameters: Any = poll.scope.parameters
    event, place = str(parameters.get("event") or ""), parameters.get("triggerOn")
    terms = ["trashed = false"]
    if place == "specificFolder" and event != "watchFolderUpdated":
        terms.append(f"'{poll.scope.names['folder']}' in parents")
    if event.startswith("file"):
        terms.append(f"mimeType != '{_FOLDER}'")
    else:
        terms.append(f"mimeType = '{_FOLDER}'")
    kind = (parameters.get("options") or {}).get("fileType")
    if kind and kind != "all":
        terms.append(f"mimeType = '{kind}'")
    if place == "anyFileFolder" and parameters.get("driveToWatch") not in (None, "", "root"):
        terms.append(f"'{parameters['driveToWatch']}' in parents")
    if not poll.manual:
        terms.append(f"{'createdTime' if 'Created' in event else 'modifiedTime'} > '{since}'")
    return " AND ".join(terms)
