"""Read PDF (legacy; later Extract from File): the text of a PDF file and what the file says of itself."""

from typing import Any

from runtime.contract import Activity, ActivityContext, Dynamic, Item, Items, NodeError, Outputs, error_item, param
from runtime.sandbox.pdf import read_pdf
from runtime.values.binary import NoBinaryError, binary_of
from runtime.values.javascript import js_string


class ReadPdf(Activity):
    """An item per file, with the files of its item. Pairing is left to the engine, as in n8n."""

    type = "n8n-nodes-base.readPDF"
    versions = (1,)
    local = True

    binary_property_name: Dynamic[str] = param("data", required=True, label="Input Binary Field")
    encrypted: Dynamic[bool] = param(default=False)
    password: Dynamic[str] = param("", show={"encrypted": [True]}, secret=True)

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Read each file in turn."""
        output: Items = []
        for i, item in enumerate(items):
            try:
                output.append(await self._read(context, i, item))
            except NodeError as error:
                if not context.continue_on_fail:
                    raise
                output.append(error_item(error, i))
        return [output]

    async def _read(self, context: ActivityContext, i: int, item: Item) -> Item:
        node = context.resolve(self, i)
        try:
            ref = binary_of(item, node.binary_property_name, i)
        except NoBinaryError as error:
            raise NodeError(error.message, description=error.description, item=i) from error
        options: dict[str, Any] = {"password": js_string(node.password)} if node.encrypted is True else {}
        document = await read_pdf(context, await context.blobs.read(ref), options)
        return {"json": document, "binary": dict(item.get("binary", {}))}
