"""Google Sheets Trigger: rows that were added, or differ from the revision of the last poll."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from runtime.contract import Items, NodeError
from runtime.integrations.answers import appended, member_of_answer
from runtime.integrations.google_sheets.cells import in_path, objects
from runtime.integrations.template import Template
from runtime.integrations.triggers.poll_trigger import PollRun
from runtime.sandbox.spreadsheets import read_sheet
from schemas.item import UNDEFINED

_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_TITLE_CHARACTERS: Final = 31
"""Of the name of a sheet in a workbook."""

_RANGE: Final = re.compile(r"([A-Za-z]+)(\d+):([A-Za-z]+)(\d*)")

Rows = Sequence[Sequence[Any]]


async def poll(poll: PollRun) -> Items:
    """Return the rows that are new or changed."""
    document = str(poll.scope.names["document"])
    sheet = await _sheet(poll, document)
    if not poll.manual and (poll.state.get("documentId"), poll.state.get("sheetId")) != (document, sheet["sheetId"]):
        poll.state.clear()
        poll.state.update({"documentId": document, "sheetId": sheet["sheetId"]})
    if poll.scope.parameters.get("event") == "rowAdded":
        return await _added(poll, document, str(sheet["title"]))
    return await _changed(poll, document, str(sheet["title"]))


async def _sheet(poll: PollRun, document: str) -> Mapping[str, Any]:
    path = f"/v4/spreadsheets/{in_path(document)}"
    found = await poll.request(path=path, query={"fields": "sheets.properties"})
    wanted = str(poll.scope.names["sheet"]).removeprefix("gid=")
    for each in found.get("sheets") or []:
        properties = member_of_answer(each, "properties")
        if str(member_of_answer(properties, "sheetId")) == wanted:
            return dict(properties)
    raise NodeError(f"The document has no sheet with the id {wanted}", description="Choose the sheet again.")


async def _values(poll: PollRun, document: str, title: str, range_: str, query: Mapping[str, Any]) -> list[list[Any]]:
    path = f"/v4/spreadsheets/{in_path(document)}/values/{in_path(title)}!{range_}"
    rows = appended(await poll.request(path=path, query=dict(query)), "values")
    return [each if isinstance(each, list) else [] for each in rows]


def _location(poll: PollRun) -> Mapping[str, Any]:
    found = (poll.scope.parameters.get("options") or {}).get("dataLocationOnSheet") or {}
    values = found.get("values")
    return values if isinstance(values, Mapping) else {}


async def _added(poll: PollRun, document: str, title: str) -> Items:
    options, place = poll.scope.parameters.get("options") or {}, _location(poll)
    first = int(place.get("headerRow") or 1)
    start, end = f"A{first}", "ZZZ"
    skipped = max(0, int(place.get("firstDataRow") or first + 1) - first - 1)
    header_range, range_ = f"{start}:{end}{first}", f"{start}:{end}"
    if place.get("rangeDefinition") == "specifyRangeA1" and place.get("range"):
        header_range, range_ = _split(str(place["range"]))
        skipped = 0
    headers = await _values(poll, document, title, header_range, {})
    if not headers:
        raise NodeError("Could not retrieve the columns from key row")
    header = headers[0]
    rendered = {
        "valueRenderOption": options.get("valueRender") or "UNFORMATTED_VALUE",
        "dateTimeRenderOption": options.get("dateTimeRenderOption") or "FORMATTED_STRING",
    }
    rows = (await _values(poll, document, title, range_, rendered))[1:]  # as in n8n, also where a range has no header
    if poll.manual:
        return _items(header, rows[skipped:])
    seen = poll.state.get("lastIndexChecked")
    poll.state["lastIndexChecked"] = len(rows)
    return [] if seen is None else _items(header, rows[max(int(seen), skipped) :])


def _split(range_: str) -> tuple[str, str]:
    """Return the ranges of the header and of what is below it."""
    match = _RANGE.fullmatch(range_.strip())
    if match is None:
        raise NodeError(f"The range {range_!r} cannot be read", description="Write it as A1:D100.")
    left, row, right, last = match.groups()
    return f"{left}{row}:{right}{row}", f"{left}{int(row) + 1}:{right}{last}"


async def _changed(poll: PollRun, document: str, title: str) -> Items:
    revision = await _revision(poll, document)
    known = poll.state.get("lastRevision")
    if not poll.manual and known == int(revision["id"]):
        return []
    newest_link = None if poll.manual else member_of_answer(revision.get("exportLinks", UNDEFINED), _XLSX)
    place = _location(poll)
    range_ = str(place.get("range") or "A:ZZZ")
    query = {"valueRenderOption": "UNFORMATTED_VALUE", "dateTimeRenderOption": "SERIAL_NUMBER"}
    current = await _values(poll, document, title, range_, query)
    header_row = int(place.get("headerRow") or 1)
    if poll.manual:
        first = int(place.get("firstDataRow") or header_row + 1)
        return _items(current[header_row - 1] if len(current) >= header_row else [], current[first - 1 :])
    link = poll.state.get("lastRevisionLink")
    poll.state.update(
        {"lastRevision": int(revision["id"]), "lastRevisionLink": None if newest_link is UNDEFINED else newest_link}
    )
    if not known or not link:
        return []
    file = await poll.request(url=f"{link}&mimeType={_XLSX}", response="file", filename="revision.xlsx")
    data = await poll.run.context.blobs.read(file)
    sheet = {"headerRow": False, "sheetName": title[:_TITLE_CHARACTERS], "rawData": True}
    previous = await read_sheet(poll.run.context, data, "xlsx", sheet)
    return _differences(poll, previous, current, header_row - 1)


async def _revision(poll: PollRun, document: str) -> Mapping[str, Any]:
    """Return the newest revision of a document."""
    revisions = await poll.pages(
        url=f"https://www.googleapis.com/drive/v3/files/{in_path(document)}/revisions",
        query={"fields": "revisions(id, exportLinks), nextPageToken", "pageSize": 1000},
        page={
            "when": True,
            "items": Template("{$response.revisions}"),
            "next": {"query": {"pageToken": Template("{$response.nextPageToken}")}},
        },
    )
    if not revisions:
        raise NodeError("The document has no revisions that can be read")
    newest: Mapping[str, Any] = revisions[-1]
    return newest


def _differences(poll: PollRun, previous: Rows, current: Rows, header: int) -> Items:
    event, shown = poll.scope.parameters.get("event"), poll.scope.parameters.get("includeInOutput")
    columns = max((rows[header] if len(rows) > header else [] for rows in (previous, current)), key=len)
    compared = _compared(poll, columns)
    before, after = list[dict[str, Any]](), list[dict[str, Any]]()
    for number in range(max(len(previous), len(current))):
        old, new = _row(previous, number, len(columns)), _row(current, number, len(columns))
        if number == header or new is None:
            continue  # a row that is gone is no change, as in n8n
        is_new = number >= len(previous)
        if event == "rowUpdate" and is_new:
            continue
        if not is_new and old is not None and all(old[each] == new[each] for each in compared):
            continue
        first: dict[str, Any] = {"row_number": number + 1}
        if event == "anyUpdate":
            first["change_type"] = "added" if is_new else "updated"
        before.append(first | dict(zip(columns, old or [""] * len(columns), strict=True)))
        after.append(first | dict(zip(columns, new, strict=True)))
    if shown == "both":
        return [
            {"json": {"previous": old, "current": new, "differences": _difference(old, new)}}
            for old, new in zip(before, after, strict=True)
        ]
    return [{"json": each} for each in (before if shown == "old" else after)]


def _compared(poll: PollRun, columns: Sequence[Any]) -> Sequence[int]:
    """Return the places of the cells that are compared. Where added rows are wanted too, n8n looks one cell to the right."""
    watched = (poll.scope.parameters.get("options") or {}).get("columnsToWatch") or []
    if not watched:
        return range(len(columns))
    right = poll.scope.parameters.get("event") == "anyUpdate"
    places = [list(columns).index(each) + right for each in watched if each in columns]
    return [each for each in places if each < len(columns)]


def _difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    changed = {
        name: {"previous": old.get(name), "current": each} for name, each in new.items() if old.get(name) != each
    }
    return {"row_number": new["row_number"], **changed}


def _row(rows: Rows, number: int, width: int) -> list[Any] | None:
    """Return a row, filled with empty cells; None: there is none, or nothing is in it."""
    if number >= len(rows):
        return None
    cells = ["" if each is None else each for each in rows[number]][:width]
    return [*cells, *[""] * (width - len(cells))]


def _items(header: Sequence[Any], rows: Rows) -> Items:
    """Return rows as items. As in n8n, 0, false and null are an empty text, too."""
    shown = [["" if each in (0, None) else each for each in row] for row in rows]
    return [{"json": each} for each in objects(header, shown, filled=True)]
