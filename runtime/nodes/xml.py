"""XML: an XML text to JSON, or an item's JSON to an XML text."""

from typing import Any, Literal

from runtime.contract import Activity, ActivityContext, Dynamic, Item, Items, NodeError, Outputs, param
from runtime.values.javascript import js_string
from runtime.values.objects import members
from runtime.values.xml_reader import XmlError, XmlOptions, read_xml
from runtime.values.xml_writer import Builder
from schemas.item import UNDEFINED


class Xml(Activity):
    """The parsed document takes the place of the item's JSON."""

    type = "n8n-nodes-base.xml"
    versions = (1,)
    exact_values = True
    local = True

    mode: Dynamic[Literal["xmlToJson", "jsonToxml"]] = param("xmlToJson")
    xml_notice: str = param("", show={"mode": ["xmlToJson"]})
    data_property_name: Dynamic[str] = param("data", required=True, label="Property Name")
    options: Dynamic[dict[str, Any]] = param({})

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Convert each item. One that fails is left out under continueOnFail: n8n forgets its error item, and pairs
        none.
        """
        return await context.on_thread(self._convert, context, items)  # megabytes take seconds

    def _convert(self, context: ActivityContext, items: Items) -> Outputs:
        out: Items = []
        if items:
            context.resolve(self, 0).given("data_property_name")  # one that fails at the first item ends the node
        for i, item in enumerate(items):
            node = context.resolve(self, i)
            if node.mode not in ("xmlToJson", "jsonToxml") and not str(self.mode).startswith(
                "="
            ):  # n8n hides the other parameters
                raise NodeError('Could not get parameter "dataPropertyName"')
            try:
                json = node.convert(item)
            except (XmlError, NodeError) as error:
                if context.continue_on_fail:
                    continue
                raise (error if isinstance(error, NodeError) else NodeError(str(error), item=i)) from error
            if json is None:
                raise NodeError("Cannot read properties of null (reading '$error')", item=i)
            out.append({"json": json, "pairedItem": {"item": i}} if node.mode == "jsonToxml" else {"json": json})
        return [out]

    def convert(self, item: Item) -> Any:
        """Return the new json of an item. Raise XmlError, NodeError."""
        if self.mode == "xmlToJson":
            return self.parse_xml(item)
        if self.mode == "jsonToxml":
            return self.build_xml(item)
        raise NodeError(f'The operation "{js_string(self.given("mode"))}" is not known!')

    def parse_xml(self, item: Item) -> Any:
        """Return the document as JSON. Raise XmlError, NodeError."""
        name = js_string(self.given("data_property_name"))
        text = members(item["json"]).get(name, UNDEFINED)
        if text is UNDEFINED:
            raise NodeError(f'Item has no JSON property called "{name}"')
        if text is None:
            raise NodeError("Cannot read properties of null (reading 'toString')")
        options = self.options or {}
        return read_xml(
            js_string(text),
            XmlOptions(
                attrkey=options.get("attrkey", "$"),
                charkey=options.get("charkey", "_"),
                explicit_array=bool(options.get("explicitArray")),
                explicit_root=bool(options.get("explicitRoot", True)),
                ignore_attrs=bool(options.get("ignoreAttrs")),
                merge_attrs=bool(options.get("mergeAttrs", True)),
                normalize=bool(options.get("normalize")),
                normalize_tags=bool(options.get("normalizeTags")),
                trim=bool(options.get("trim")),
            ),
        )

    def build_xml(self, item: Item) -> dict[str, Any]:
        """Return the item's JSON as a document. Raise XmlError."""
        options = self.options or {}
        builder = Builder(
            attrkey=options.get("attrkey", "$"),
            charkey=options.get("charkey", "_"),
            cdata=bool(options.get("cdata")),
            headless=bool(options.get("headless")),
            root_name=options.get("rootName", "root"),
        )
        return {js_string(self.given("data_property_name")): builder.build(item["json"])}
