"""Node types, one file each. `NODE_FILES` is the list: node type -> file in this folder."""

from typing import Final

NODE_FILES: Final[dict[str, str]] = {
    "n8n-nodes-base.manualTrigger": "manual_trigger",
    "n8n-nodes-base.start": "start",
    "n8n-nodes-base.webhook": "webhook",
    "n8n-nodes-base.executeWorkflowTrigger": "execute_workflow_trigger",
    "n8n-nodes-base.errorTrigger": "error_trigger",
    "n8n-nodes-base.scheduleTrigger": "schedule_trigger",
    "n8n-nodes-base.cron": "cron",
    "n8n-nodes-base.interval": "interval",
    "n8n-nodes-base.respondToWebhook": "respond_to_webhook",
    "n8n-nodes-base.executeWorkflow": "execute_workflow",
    "n8n-nodes-base.wait": "wait",
    "n8n-nodes-base.merge": "merge",
    "n8n-nodes-base.noOp": "no_op",
    "n8n-nodes-base.set": "set",
    "n8n-nodes-base.if": "if_",
    "n8n-nodes-base.filter": "filter",
    "n8n-nodes-base.switch": "switch",
    "n8n-nodes-base.stopAndError": "stop_and_error",
    "n8n-nodes-base.limit": "limit",
    "n8n-nodes-base.splitInBatches": "split_in_batches",
    "n8n-nodes-base.executionData": "execution_data",
    "n8n-nodes-base.crypto": "crypto",
    "n8n-nodes-base.code": "code",
    "n8n-nodes-base.function": "function",
    "n8n-nodes-base.functionItem": "function_item",
    "n8n-nodes-base.httpRequest": "http_request",
    "n8n-nodes-base.xml": "xml",
    # aggregate, sort, splitOut, summarize, removeDuplicates, renameKeys, itemLists, compareDatasets: the transform
    # engineer is writing these files now (not the flow engineer)
    "n8n-nodes-base.markdown": "markdown",
    "n8n-nodes-base.html": "html",
    "n8n-nodes-base.htmlExtract": "html_extract",
}
