"""HTML Extract, version 1: parts of a document by CSS selectors. The HTML node takes them out in the same way."""

import re
from collections.abc import Mapping
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Any, Literal

from runtime.contract import Activity, ActivityContext, Dynamic, Item, Items, NodeError, Outputs, error_item, param
from runtime.expressions.library import LibraryError, run_library
from runtime.values.binary import NoBinaryError, binary_of
from runtime.values.javascript import is_text, js_string, truthy
from runtime.values.paths import get
from schemas.item import UNDEFINED

_WHITE = re.compile(r"\s+")
_BREAKS = re.compile(r"[\r\n]")


def _problem(document: Any) -> str | None:
    """Return what n8n says of a value that is no document; None of one that it reads: a text or an object."""
    if document is None:
        return "cheerio.load() expects a string"
    if isinstance(document, bool | int | float):
        kind = "boolean" if isinstance(document, bool) else "number"
        return f"Cannot create property 'prev' on {kind} '{js_string(document)}'"
    return None


class Extraction(Activity):
    """The part common to both nodes: where the HTML comes from and how values are tidied."""

    local = True

    source_data: Dynamic[Literal["binary", "json"]] = param("json")
    data_property_name: Dynamic[str] = param("data", required=True)
    extraction_values: Dynamic[dict[str, Any]] = param({})
    options: Dynamic[dict[str, Any]] = param({})

    def trims(self) -> bool:
        """Return whether white space at the ends of values is removed."""
        return bool((self.options or {}).get("trimValues", True))

    def find(self, item: Item, version: float) -> Any:
        """Return the property of the item's JSON that holds the HTML, by its path. Raise NodeError."""
        del version
        name = js_string(self.given("data_property_name"))
        html = get(item["json"], name)
        if html is UNDEFINED:
            raise NodeError(f'No property named "{name}" exists!')
        return html

    def tidy(self, value: Any, version: float) -> Any:
        """Return a value cleaned up as the options say."""
        del version
        if isinstance(value, dict) and self.trims():  # all attributes of an element
            raise NodeError("value.trim is not a function")
        return value.strip() if isinstance(value, str) and self.trims() else value

    async def extract(self, context: ActivityContext, items: Items, *, rich: bool) -> Outputs:
        """Return an item per document: the extracted values by their keys. `rich`: text as html-to-text writes it."""
        out: Items = []
        for i, item in enumerate(items):
            try:
                node = context.resolve(self, i)
                await node.documents(context, item, i, out, rich=rich)
            except NodeError as error:
                error.item = i if error.item is None else error.item
                if not context.continue_on_fail:
                    raise
                out.append(error_item(error, i))
        return [out]

    async def documents(self, context: ActivityContext, item: Item, i: int, out: Items, *, rich: bool) -> None:
        """Add the items of one input item, of which `self` is the node: those before a document that fails, too. Raise NodeError."""
        html = await self._html(context, item, i)
        documents = html if isinstance(html, list) else [html]
        values = (self.extraction_values or {}).get("values")
        if values is None:
            raise NodeError("extractionValues.values is not iterable", item=i)
        extractions = [_extraction(each) for each in values]
        readable = list(takewhile(lambda each: _problem(each) is None, documents))
        requests = [{"html": each, "extractions": extractions, "rich": rich} for each in readable]
        for result in await run_library(context, "html", _script(), requests, keep_undefined=context.keeps_undefined):
            if isinstance(result, LibraryError):
                raise NodeError(str(result), item=i)
            out.append({"json": self._json(result, context.version), "pairedItem": {"item": i}})
        if len(readable) < len(documents):
            raise NodeError(_problem(documents[len(readable)]) or "", item=i)

    async def _html(self, context: ActivityContext, item: Item, i: int) -> Any:
        if self.source_data == "json":
            return self.find(item, context.version)
        if self.source_data != "binary":  # n8n then shows no field for the name
            raise NodeError('Could not get parameter "dataPropertyName"', item=i)
        try:
            data = await context.blobs.read(binary_of(item, self.data_property_name, i))
        except NoBinaryError as error:
            raise NodeError(error.message, description=error.description, item=i) from error
        return data.decode("utf-8", "replace")

    def _json(self, values: list[Mapping[str, Any]], version: float) -> dict[str, Any]:
        json: dict[str, Any] = {}
        for entry, each in zip((self.extraction_values or {}).get("values") or [], values, strict=True):
            key = js_string(entry.get("key", ""))
            if key == "__proto__":  # JavaScript makes it the prototype, which is no field
                continue
            if entry.get("returnArray"):
                json[key] = [self.tidy(value, version) for value in each["all"]]
            elif (value := self.tidy(each.get("first"), version)) is not None:  # UNDEFINED is a value of its own
                json[key] = value
        return json


class HtmlExtract(Extraction):
    """Parts of a document by CSS selectors."""

    type = "n8n-nodes-base.htmlExtract"
    versions = (1,)
    exact_values = True

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Return an item per document."""
        return await self.extract(context, items, rich=False)


def clean_up(text: str) -> str:
    """Return a text on one line: ends trimmed, line breaks removed, other white space reduced to single spaces."""
    return _WHITE.sub(" ", _BREAKS.sub("", text.strip()))


def _extraction(entry: Mapping[str, Any]) -> dict[str, Any]:
    shown = js_string(entry.get("returnValue", "text"))
    given = entry.get("skipSelectors")
    skip = ([each.strip() for each in given.split(",")] if is_text(given) else None) if truthy(given) else []
    return {
        "selector": None if (selector := entry.get("cssSelector")) is UNDEFINED else selector,
        "as": shown,
        "list": truthy(entry.get("returnArray")),
        "attribute": entry.get("attribute") or "",
        "skip": skip,
    }


@cache
def _script() -> str:
    return (Path(__file__).parent / "html_extraction.js").read_text(encoding="utf-8")
