"""Write Binary File: writes a file of each item into the tenant's folder."""

from typing import Any

from runtime.contract import Activity, ActivityContext, Dynamic, Item, Items, Outputs, each_item_async, param
from runtime.nodes.read_write_file import ROOTED, write_file


class WriteBinaryFile(Activity):
    """The items go on, with the path as `fileName`."""

    type = "n8n-nodes-base.writeBinaryFile"
    versions = (1,)
    differs = ROOTED

    file_name: Dynamic[str] = param("", required=True)
    data_property_name: Dynamic[str] = param("data", required=True, label="Property Name")
    options: Dynamic[dict[str, Any]] = param({})

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Write the file of each item in turn."""

        async def one(i: int, item: Item) -> Item:
            node = context.resolve(self, i)
            append = bool(node.options.get("append"))
            return await write_file(context, item, node.data_property_name, node.file_name, i, append=append)

        return await each_item_async(context, items, one)
