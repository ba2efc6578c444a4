"""One sheet of a spreadsheet over the API: reading and writing its values."""

from dataclasses import dataclass
from typing import Any, Final, Self

from runtime.contract import NodeError
from runtime.integrations.answers import elements_of, member_of_answer, unreadable
from runtime.integrations.filters import segment
from runtime.integrations.google_sheets.cells import Rows, in_path
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

__all__ = ["FORMATTED", "Sheet", "Spreadsheet"]

FORMATTED: Final = {"valueRenderOption": "FORMATTED_VALUE", "dateTimeRenderOption": "FORMATTED_STRING"}
"""How the values are read into which rows are written."""


@dataclass(frozen=True)
class Spreadsheet:
    """A spreadsheet, and the run that works with it."""

    run: Run
    scope: Scope
    id: Any

    async def call(self, method: str, path: str, query: Any = None, json: Any = None) -> Any:
        """Send a request below the spreadsheet and return the body of its response. Raise NodeError."""
        body = {} if json is None else {"json": json}
        return await self.run.request(
            self.scope, method=method, path=f"/{segment(js_string(self.id))}{path}", query=query, **body
        )

    async def change(self, *requests: dict[str, Any]) -> Any:
        """Send a batch of changes to sheets, and return the body of its response. Raise NodeError."""
        return await self.call("POST", ":batchUpdate", json={"requests": list(requests)})

    async def get(self, range_: str, query: Any) -> Rows:
        """Return the rows of a range. Raise NodeError."""
        found = await self.read(range_, query)
        return list(found) if isinstance(found, list) else []

    async def read(self, range_: str, query: Any) -> Any:
        """Return the rows of a range as the API gives them: UNDEFINED for a range without values. Raise NodeError."""
        return member_of_answer(await self.call("GET", f"/values/{in_path(range_)}", query), "values")

    async def put(self, range_: str, rows: Any, input_option: str) -> None:
        """Write rows into a range; UNDEFINED: none. Raise NodeError."""
        query = {"valueInputOption": input_option}
        await self.call("PUT", f"/values/{in_path(range_)}", query, {"range": range_, "values": rows})

    async def append(self, range_: str, rows: Rows, input_option: str) -> None:
        """Add rows behind the table that a range holds. Raise NodeError."""
        query = {"valueInputOption": input_option}
        await self.call("POST", f"/values/{in_path(range_)}:append", query, {"range": range_, "values": rows})

    async def put_cells(self, data: list[dict[str, Any]], input_option: str) -> None:
        """Write several ranges at once: [{range, values}]. Raise NodeError."""
        await self.call("POST", "/values:batchUpdate", json={"data": data, "valueInputOption": input_option})

    async def clear(self, range_: str, shown: str) -> None:
        """Remove the values of a range, which is `shown` to the API in the body. Raise NodeError."""
        body = {"spreadsheetId": self.id, "range": shown}
        await self.call("POST", f"/values/{in_path(range_)}:clear", json=body)

    async def sheets(self) -> list[Any]:
        """Return all sheets: [{properties: {sheetId, title, ...}}]. Raise NodeError."""
        return elements_of(await self.call("GET", "", {"fields": "sheets.properties"}), "sheets", "find")

    async def titles(self) -> list[Any]:
        """Return the titles of all sheets; none for an answer that names no sheets. Raise NodeError."""
        response = await self.call("GET", "", {"fields": "sheets.properties"})
        found = member_of_answer(response, "sheets")
        return [_properties(each).get("title") for each in found] if isinstance(found, list) else []


@dataclass(frozen=True)
class Sheet:
    """A sheet of a spreadsheet by its title and id."""

    book: Spreadsheet
    title: str
    id: str

    @classmethod
    async def find(cls, book: Spreadsheet, mode: str, value: str) -> Self:
        """Return the sheet with this title (`name`) or id. Raise NodeError."""
        wanted = value.removeprefix("gid=")
        read = "title" if mode == "name" else "sheetId"
        for sheet in await book.sheets():
            found = member_of_answer(sheet, "properties")
            member_of_answer(found, read)
            each = found if isinstance(found, dict) else {}
            if _text(each, read) == (value if mode == "name" else wanted):
                if each.get("sheetId") is None:
                    raise unreadable(each.get("sheetId", UNDEFINED), "toString")
                return cls(book, _text(each, "title"), _text(each, "sheetId"))
        kind = "name" if mode == "name" else "ID"
        raise NodeError(f"Sheet with {kind} {value} not found", item=0)

    @property
    def whole(self) -> str:
        """The range of all its cells."""
        return "'" + self.title.replace("'", "''") + "'"

    def range(self, cells: str) -> str:
        """Return a range of the sheet."""
        return f"{self.title}!{cells}"

    async def rows(self) -> Rows:
        """Return all rows as they are shown. Raise NodeError."""
        return await self.book.get(self.whole, FORMATTED)

    async def put_header(self, row: int, columns: list[str], input_option: str) -> None:
        """Write the names of the columns. Raise NodeError."""
        await self.book.put(self.range(f"{row}:{row}"), [list(columns)], input_option)

    async def add_rows(self, rows: Rows, last: int, input_option: str, *, api_append: bool) -> None:
        """Add rows below row `last`. Raise NodeError.

        Args:
            rows: the rows.
            last: the number of the last row that has a value, from 1.
            input_option: RAW or USER_ENTERED.
            api_append: whether the API finds the end of the table itself; else the rows are written below `last`.
        """
        if api_append:
            await self.book.append(self.range(f"{last + 1}:{last + len(rows)}"), rows, input_option)
            return
        await self.book.change({"appendDimension": {"sheetId": self.id, "dimension": "ROWS", "length": 1}})
        await self.book.put(self.range(f"{last + 1}:{last + len(rows)}"), rows, input_option)


def _properties(sheet: Any) -> dict[str, Any]:
    found = member_of_answer(sheet, "properties")
    return found if isinstance(found, dict) else {}


def _text(properties: dict[str, Any], name: str) -> str:
    return js_string(properties.get(name, UNDEFINED))
