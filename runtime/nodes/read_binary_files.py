"""Read Binary Files: an item per file of the tenant's folder that matches."""

from runtime.contract import Activity, ActivityContext, Dynamic, Items, Outputs, param
from runtime.nodes.read_write_file import ROOTED, read_file, within_folder


class ReadBinaryFiles(Activity):
    """Reads files once, with the parameters of the first item."""

    type = "n8n-nodes-base.readBinaryFiles"
    versions = (1,)
    differs = ROOTED

    file_selector: Dynamic[str] = param("", required=True)
    data_property_name: Dynamic[str] = param("data", required=True, label="Property Name")

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Return an item per file, paired with all items."""
        node = context.resolve(self, 0)
        paired = [{"item": i} for i in range(len(items))]
        return [
            [
                {"json": {}, "binary": {node.data_property_name: await read_file(context, path)}, "pairedItem": paired}  # type: ignore[typeddict-item]  # JSON
                for path in await within_folder(context.files.find(str(node.file_selector)))
            ]
        ]
