"""Read Binary File: adds one file of the tenant's folder to each item."""

from runtime.contract import Activity, ActivityContext, Dynamic, Item, Items, Outputs, each_item_async, param
from runtime.nodes.read_write_file import ROOTED, read_file


class ReadBinaryFile(Activity):
    """Adds a file to each item; the item and its JSON stay."""

    type = "n8n-nodes-base.readBinaryFile"
    versions = (1,)
    differs = ROOTED

    file_path: Dynamic[str] = param("", required=True)
    data_property_name: Dynamic[str] = param("data", required=True, label="Property Name")

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Read a file for each item in turn."""

        async def one(i: int, item: Item) -> Item:
            node = context.resolve(self, i)
            ref = await read_file(context, str(node.file_path))
            return {"json": item["json"], "binary": {**item.get("binary", {}), node.data_property_name: ref}}

        return await each_item_async(context, items, one)
