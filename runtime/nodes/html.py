"""HTML: a template filled per item, parts of a document, or a table of all items."""

from collections.abc import Callable
from typing import Any, Final, Literal

from runtime.contract import ActivityContext, Dynamic, Item, Items, NodeError, Outputs, each_item, param
from runtime.nodes.html_extract import Extraction, clean_up
from runtime.values.javascript import js_string, property_order, truthy
from runtime.values.objects import members
from schemas.item import UNDEFINED, PairedItem

_EXTRACTS = {"operation": ["extractHtmlContent"]}
_RICH_TEXT, _PATHS = 1.2, 1.1
_TABLE_STYLE: Final = "style='border-spacing:0; font-family:helvetica,arial,sans-serif'"
_HEADER_STYLE: Final = (
    "style='margin:0; padding:7px 20px 7px 0px; border-bottom:1px solid #eee; text-align:left; color:#888; "
    "font-weight:normal'"
)
_CELL_STYLE: Final = "style='margin:0; padding:7px 20px 7px 0px; border-bottom:1px solid #eee'"
_TEMPLATE: Final = """<!DOCTYPE html>

<html>
<head>
  <meta charset="UTF-8" />
  <title>My HTML document</title>
</head>
<body>
  <div class="container">
    <h1>This is an H1 heading</h1>
    <h2>This is an H2 heading</h2>
    <p>This is a paragraph</p>
  </div>
</body>
</html>

<style>
.container {
  background-color: #ffffff;
  text-align: center;
  padding: 16px;
  border-radius: 8px;
}

h1 {
  color: #ff6d5a;
  font-size: 24px;
  font-weight: bold;
  padding: 8px;
}

h2 {
  color: #909399;
  font-size: 18px;
  font-weight: bold;
  padding: 8px;
}
</style>

<script>
console.log("Hello World!");
</script>"""


class Html(Extraction):
    """Templates, extraction, tables."""

    type = "n8n-nodes-base.html"
    versions = (1, 1.1, 1.2)
    exact_values = True

    operation: Literal["generateHtmlTemplate", "extractHtmlContent", "convertToHtmlTable"] = param(
        "generateHtmlTemplate"
    )
    html: Dynamic[Any] = param(_TEMPLATE, show={"operation": ["generateHtmlTemplate"]}, resolvables="text")
    source_data: Dynamic[Literal["binary", "json"]] = param("json", show=_EXTRACTS)
    data_property_name: Dynamic[str] = param("data", show=_EXTRACTS, required=True)
    extraction_values: Dynamic[dict[str, Any]] = param({}, since={1.1: {"values": [{}]}}, show=_EXTRACTS)
    options: Dynamic[dict[str, Any]] = param({}, show={"operation": ["extractHtmlContent", "convertToHtmlTable"]})

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Return an item per item; a table is one item."""
        match self.operation:
            case "extractHtmlContent":
                return await self.extract(context, items, rich=context.version >= _RICH_TEXT)
            case "convertToHtmlTable":
                return [[_table(items, context.resolve(self, 0).options or {})] if items else []]
            case "generateHtmlTemplate":
                return each_item(context, items, self._filled(context))
            case _:
                return [[]]

    def _filled(self, context: ActivityContext) -> Callable[[int, Item], Item]:
        return lambda i, _item: {"json": {"html": self._text(context.resolve(self, i).html)}}

    def _text(self, value: Any) -> Any:
        return js_string(value) if isinstance(self.html, str) else value  # what is no text has no expressions in it

    def tidy(self, value: Any, version: float) -> Any:
        """Trim and clean up a value when the options say so; an empty text is undefined before version 1.2."""
        options = self.options or {}
        if not isinstance(value, str):
            return value
        if options.get("trimValues"):
            value = value.strip()
        if options.get("cleanUpText"):
            value = clean_up(value)
        return value if value or version >= _RICH_TEXT else None

    def find(self, item: Item, version: float) -> Any:
        """Return the property that holds the HTML. Version 1 takes its name literally. Raise NodeError."""
        if version >= _PATHS:
            return super().find(item, version)
        name = js_string(self.given("data_property_name"))
        if name not in members(item["json"]):
            raise NodeError(f'No property named "{name}" exists!')
        return members(item["json"])[name]


def _table(items: Items, options: dict[str, Any]) -> Item:
    headers = list(dict.fromkeys(key for item in items for key in property_order(members(item["json"]))))
    styled = not options.get("customStyling")

    def attributes(style: str, name: str) -> str:
        return f"{style if styled else ''} {_attribute(options, name)}"

    cell = attributes(_CELL_STYLE, "cellAttributes")
    rows = "".join(
        f"<tr  {js_string(options.get('rowAttributes', ''))}>"
        + "".join(f"<td {cell}>{_cell(members(item['json']).get(key, UNDEFINED))}</td>" for key in headers)
        + "</tr>"
        for item in items
    )
    caption = f"<caption>{js_string(options['caption'])}</caption>" if truthy(options.get("caption")) else ""
    titles = "".join(f"<th>{_capitalized(key) if options.get('capitalize') else key}</th>" for key in headers)
    table = (
        f"<table {attributes(_TABLE_STYLE, 'tableAttributes')}>{caption}"
        f"<thead {attributes(_HEADER_STYLE, 'headerAttributes')}><tr>{titles}</tr></thead><tbody>{rows}</tbody></table>"
    )
    pairs: list[PairedItem] = [{"item": i} for i in range(len(items))]
    return {"json": {"table": table}, "pairedItem": pairs}


def _attribute(options: dict[str, Any], name: str) -> str:
    value = options.get(name)
    return js_string(value) if truthy(value) else ""


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return '<input type="checkbox" checked="checked"/>' if value else '<input type="checkbox" />'
    return js_string(value)


def _capitalized(key: str) -> str:
    return " ".join(word[:1].upper() + word[1:] for word in key.split("_") if word)
