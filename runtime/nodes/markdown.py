"""Markdown: HTML from Markdown as showdown makes it, Markdown from HTML as node-html-markdown does."""

from typing import Any, Literal

from runtime.contract import Activity, ActivityContext, Dynamic, Item, Items, NodeError, Outputs, attempt_each, param
from runtime.expressions.library import LibraryError, run_library
from runtime.values.javascript import js_string
from runtime.values.objects import safe_copy
from runtime.values.paths import set_path, unset
from runtime.values.undefined import without_undefined
from schemas.item import UNDEFINED

_TO_HTML = """
const converter = new lib.Converter();
for (const [name, option] of Object.entries(value.options)) converter.setOption(name, option);
return converter.makeHtml(value.text);
"""
_TO_MARKDOWN = "return lib.markdown.NodeHtmlMarkdown.translate(value.text, value.options);"
_LISTS = ("ignore", "blockElements")
_PAIRS = ("globalEscape", "lineStartEscape")


class Markdown(Activity):
    """Puts the converted text next to the fields of the item."""

    type = "n8n-nodes-base.markdown"
    versions = (1,)
    exact_values = True
    one_item_each = True
    local = True

    mode: Dynamic[Literal["htmlToMarkdown", "markdownToHtml"]] = param("htmlToMarkdown")
    html: Dynamic[Any] = param("", show={"mode": ["htmlToMarkdown"]}, required=True, label="HTML")
    markdown: Dynamic[Any] = param("", show={"mode": ["markdownToHtml"]}, required=True)
    destination_key: Dynamic[str] = param("data", required=True)
    options: Dynamic[dict[str, Any]] = param({})

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Pass all items of a mode through its library in one call."""
        results: list[Any] = [None] * len(items)
        nodes = [context.resolve(self, i) for i in range(len(items))]
        requests = attempt_each(items, lambda i: nodes[i].request())
        for mode, library, body in (
            ("markdownToHtml", "showdown", _TO_HTML),
            ("htmlToMarkdown", "html", _TO_MARKDOWN),
        ):
            chosen = {
                i: each for i, each in enumerate(requests) if not isinstance(each, NodeError) and nodes[i].mode == mode
            }
            texts = await run_library(context, library, body, list(chosen.values())) if chosen else []
            for i, result in zip(chosen, texts, strict=True):
                results[i] = result
        out: Items = []
        for i, (node, request) in enumerate(zip(nodes, requests, strict=True)):
            if isinstance(request, NodeError):
                if not context.continue_on_fail:
                    raise request
                out.append({"json": {"error": request.message}})
            elif node.mode in ("markdownToHtml", "htmlToMarkdown"):
                out.append(_item(context, items[i], node, results[i], i))
        return [out]

    def request(self) -> dict[str, Any]:
        """Return text and options for the library."""
        options = self.options or {}
        if self.mode == "markdownToHtml":
            return {"text": self.markdown, "options": options}
        return {"text": self.html, "options": _html_options(options)}


def _html_options(options: dict[str, Any]) -> dict[str, Any]:
    """Return n8n's options as node-html-markdown takes them. Patterns are plain text there, not regular expressions."""
    settings = dict(options)
    for name in _LISTS:
        if isinstance(settings.get(name), str):
            settings[name] = [each.strip() for each in settings[name].split(",")]
    for name in _PAIRS:
        if name in settings:
            pair = (settings[name] or {}).get("value") or {}
            settings[name] = [pair.get("pattern", ""), pair.get("replacement", "")]
    if "textReplace" in settings:
        entries = (settings["textReplace"] or {}).get("values") or []
        settings["textReplace"] = [
            [without_undefined(each).get(name, "") for name in ("pattern", "replacement")] for each in entries
        ]
    return settings


def _item(context: ActivityContext, item: Item, node: Markdown, result: Any, i: int) -> Item:
    if isinstance(result, LibraryError):
        error = NodeError(str(result), item=i)
        if not context.continue_on_fail:
            raise error
        return {"json": {"error": error.message}}
    json, key = safe_copy(item["json"]), js_string(node.given("destination_key"))
    if result is None and node.is_undefined("markdown"):  # showdown gives back what it cannot convert
        if not context.keeps_undefined():
            unset(json, key)
            return {"json": json}
        result = UNDEFINED
    set_path(json, key, result)
    return {"json": json}
