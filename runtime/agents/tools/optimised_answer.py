"""HTTP Request as a tool: what of its answer the model reads, where the author chose a part."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from runtime.contract import ActivityContext, NodeError, param
from schemas.item import Items, Outputs

if TYPE_CHECKING:
    from runtime.contract import Activity as Base
else:
    Base = object

__all__ = ["FIELDS", "OF", "OptimisedAnswer"]

OF: Final = "n8n-nodes-base.httpRequest"
"""The node that has these parameters as a tool."""
ON: Final[dict[str, list[Any]]] = {"optimizeResponse": [True]}
JSON: Final[dict[str, list[Any]]] = ON | {"responseType": ["json"]}
HTML: Final[dict[str, list[Any]]] = ON | {"responseType": ["html"]}
CUT: Final[dict[str, list[Any]]] = ON | {"responseType": ["text", "html"]}
FIELDS: Final[Mapping[str, Any]] = {
    "optimize_response": param(False),
    "response_type": param("json", show=ON),
    "data_field": param("", show=JSON),
    "fields_to_include": param("all", show=JSON),
    "fields": param("", show=JSON, hide={"fieldsToInclude": ["all"]}, alias="fields"),
    "css_selector": param("body", show=HTML),
    "only_content": param(False, show=HTML),
    "elements_to_omit": param("", show=HTML | {"onlyContent": [True]}),
    "truncate_response": param(False, show=CUT),
    "max_length": param(1000, show=CUT | {"truncateResponse": [True]}),
}


class OptimisedAnswer(Base):
    """Mixin of the node's tool variant."""

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Return the chosen part of the answer as items. Raise NodeError for an answer of another kind."""
        outputs: Outputs = await super().run(context, items) or []
        node: Any = context.resolve(self, 0) if items else self
        found = [item["json"] for output in outputs or [] for item in output or []]
        if not node.optimize_response or not found:
            return outputs
        return [[{"json": each, "pairedItem": {"item": 0}} for each in await _read(context, node, found)]]


async def _read(context: ActivityContext, node: Any, found: list[Any]) -> list[Any]:
    first = found[0]
    if not isinstance(first, dict):
        raise NodeError("The response type must be an object or an array of objects")
    if {"body", "headers", "statusCode"} <= first.keys():  # the full response was asked for
        rows = await _parts(context, node, first["body"])
        return [{**first, "body": rows}]
    body = found if len(found) > 1 else first["data"] if first.keys() == {"data"} else first
    return await _parts(context, node, body)


async def _parts(context: ActivityContext, node: Any, body: Any) -> list[Any]:
    """Return the rows of JSON, or the text."""
    from runtime.agents.tools.http_answer import optimised_text, rows_of  # noqa: PLC0415 - reads a file: for activities

    if node.response_type != "json":
        if node.response_type == "html" and not isinstance(body, str):
            raise NodeError("The response type must be a string. Received: object")
        return [body] if not isinstance(body, str) else [{"data": await optimised_text(context, node, body)}]
    if isinstance(body, str):
        raise NodeError(f"Received invalid JSON from response '{body[:200]}'")
    if node.data_field and not (isinstance(body, dict) and node.data_field in body):
        raise NodeError(f'Target field "{node.data_field}" not found in response.')
    return rows_of(node, body)
