"""Files and pictures of Airtop."""

from base64 import b64decode
from typing import Any, Final

from runtime.contract import Item, NodeError
from runtime.integrations.airtop.given import file_id, given
from runtime.integrations.answers import member_of_answer
from runtime.integrations.filters import FILTERS, segment
from runtime.integrations.operation import MAX_PAGES, Run
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string

__all__ = ["get_file", "list_files", "take_screenshot"]

_PAGE: Final = 100


async def take_screenshot(run: Run, scope: Scope) -> list[Item]:
    """Return a picture of a window, as an address that holds it or as a file. Raise NodeError."""
    place = {"sessionId": given(scope, "sessionId", "Session ID"), "windowId": given(scope, "windowId", "Window ID")}
    path = f"/sessions/{segment(place['sessionId'])}/windows/{segment(place['windowId'])}/screenshot"
    answer = await run.request(scope, method="POST", path=path)
    shots = FILTERS["pluck"](member_of_answer(member_of_answer(answer, "meta"), "screenshots"), "dataUrl")
    image = js_string(shots[0]) if shots else ""
    if not scope.parameters.get("outputImageAsBinary") or not image:
        return [{"json": {**place, "image": image}}]
    content = b64decode(image.partition(",")[2])
    ref = await run.context.blobs.write(content, mime_type="image/jpeg", file_name="screenshot.jpg")
    return [{"json": {**place, "image": ""}, "binary": {"data": ref}}]


async def get_file(run: Run, scope: Scope) -> list[Item]:
    """Return what Airtop knows of a file, with its content where the node asks for it. Raise NodeError."""
    answer = await run.request(scope, path=f"/files/{segment(file_id(scope))}")
    data: Any = member_of_answer(answer, "data")
    address = data.get("downloadUrl") if isinstance(data, dict) else None
    if not scope.parameters.get("outputBinaryFile") or not address:
        return [{"json": answer}]
    name = data.get("fileName")
    ref = await run.request(scope, url=address, bare=True, response="file", filename=name)
    return [{"json": answer, "binary": {"data": ref}}]


async def list_files(run: Run, scope: Scope) -> list[Item]:
    """Return files as one item, or each as one. Raise NodeError."""
    parameters = scope.parameters
    files: Any
    sessions = parameters.get("sessionIds")
    if parameters.get("returnAll"):
        files = await _all_files(run, scope, sessions)
        answer: Any = {"data": {"files": files, "pagination": {"hasMore": False}}}
    else:
        query = {"sessionIds": sessions, "limit": parameters.get("limit")}
        answer = await run.request(scope, path="/files", query=query)
        files = member_of_answer(member_of_answer(answer, "data"), "files")
    if parameters.get("outputSingleItem", True):
        return [{"json": answer}]
    return [{"json": each} for each in (files if isinstance(files, list) else [])]


async def _all_files(run: Run, scope: Scope, sessions: Any) -> list[Any]:
    found: list[Any] = []
    for number in range(MAX_PAGES):
        query = {"offset": number * _PAGE, "limit": _PAGE, "sessionIds": sessions}
        data = member_of_answer(await run.request(scope, path="/files", query=query), "data")
        listed = member_of_answer(data, "files")
        found += listed if isinstance(listed, list) else []
        if FILTERS["get"](FILTERS["get"](data, "pagination"), "hasMore") is not True:
            return found
    raise NodeError(f"Airtop gave more than {MAX_PAGES} pages", item=scope.index)
