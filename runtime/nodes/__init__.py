"""Node types, one file each. `NODE_FILES` is the list: node type -> file in this folder."""

from typing import Final

NODE_FILES: Final[dict[str, str]] = {
    "n8n-nodes-base.manualTrigger": "manual_trigger",
    "n8n-nodes-base.noOp": "no_op",
    "n8n-nodes-base.set": "set",
    "n8n-nodes-base.if": "if_",
    "n8n-nodes-base.filter": "filter",
    "n8n-nodes-base.switch": "switch",
    "n8n-nodes-base.httpRequest": "http_request",
}
