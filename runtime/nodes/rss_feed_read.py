"""RSS Read: the entries of an RSS or Atom feed."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from runtime.contract import (
    Activity,
    ActivityContext,
    Dynamic,
    Items,
    NodeApiError,
    NodeError,
    Outputs,
    error_item,
    param,
)
from runtime.sandbox.libraries import run_in_sandbox
from schemas.item import PairedItem

_PER_ITEM: Final = 1.1
_HEADERS: Final = (
    ("User-Agent", "rss-parser"),
    ("Accept", "application/rss+xml, application/rdf+xml;q=0.8, application/atom+xml;q=0.6, application/xml;q=0.4, text/xml;q=0.4"),
)  # fmt: skip
_PARSE: Final = "return (await new lib({ customFields: { item: value.fields } }).parseString(value.xml)).items ?? [];"
_FIRST_ERROR_STATUS: Final = 400


class RssFeedRead(Activity):
    """Version 1 reads one feed for all items, the later ones a feed per item."""

    type = "n8n-nodes-base.rssFeedRead"
    versions = (1, 1.1, 1.2)
    usable_as_tool = True

    url: Dynamic[Any] = param("", required=True, label="URL")
    options: Dynamic[dict[str, Any]] = param({})

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Return an item per entry."""
        out: Items = []
        single = context.version < _PER_ITEM
        for i in range(1 if single else len(items)):
            pairs: list[PairedItem] = [{"item": place} for place in (range(len(items)) if single else [i])]
            try:
                entries = await context.resolve(self, i).entries(context, i)
            except NodeError as error:
                error.item = i if error.item is None else error.item
                if not context.continue_on_fail:
                    raise
                out.append({**error_item(error, i), "pairedItem": pairs})
                continue
            out += [{"json": entry, "pairedItem": pairs} for entry in entries]
        return [out]

    async def entries(self, context: ActivityContext, i: int) -> list[dict[str, Any]]:
        """Return the entries as the parser gives them. Raise NodeError."""
        fields = [each.strip() for each in str(self.options.get("customFields") or "").split(",") if each.strip()]
        return await read_feed(context, self.url, fields, verify=not self.options.get("ignoreSSL"), item=i)


async def read_feed(
    context: ActivityContext, url: Any, fields: Sequence[str] = (), *, verify: bool = True, item: int = 0
) -> list[dict[str, Any]]:
    """Return the entries of a feed, with these fields in addition to the usual ones. Raise NodeError."""
    if not url:
        raise NodeError('The parameter "URL" has to be set!')
    if not isinstance(url, str) or not _is_url(url):
        raise NodeError('The provided "URL" is not valid!')
    try:
        response = await context.http.request("GET", url, headers=_HEADERS, timeout=60, verify=verify, item=item)
    except NodeApiError as error:
        if error.http_code != "ECONNREFUSED":
            raise NodeError(error.message) from error
        message = f'It was not possible to connect to the URL. Please make sure the URL "{url}" it is valid!'
        raise NodeError(message) from error
    if response.status >= _FIRST_ERROR_STATUS:
        raise NodeError(f"Request failed with status code {response.status}")
    xml = response.body.decode("utf-8", "replace")
    entries: list[dict[str, Any]] = await run_in_sandbox(
        context, "rss-parser", _PARSE, {"xml": xml, "fields": list(fields)}
    )
    return entries


def _is_url(text: str) -> bool:
    try:
        return bool(urlsplit(text).scheme and urlsplit(text).hostname)
    except ValueError:
        return False
