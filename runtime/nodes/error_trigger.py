"""Error Trigger: starts an error workflow with what is known about the run that failed."""

from runtime.contract import Context, Items, Outputs, Trigger, param


class ErrorTrigger(Trigger):
    """Passes the failed run on; a manual run without one gets a sample, as in n8n."""

    type = "n8n-nodes-base.errorTrigger"
    versions = (1,)
    trigger = "error"

    notice: str = param("")

    def run(self, context: Context, items: Items) -> Outputs:
        """Return one item: {execution: {id, url, error, lastNodeExecuted, mode}, workflow: {id, name}}."""
        if context.mode != "manual" or (items and items[0]["json"]):
            return [items]
        execution = {
            "id": "231",
            "url": "https://n8n.example.com/execution/231",
            "error": {"message": "Example Error Message", "stack": "Stacktrace"},
            "lastNodeExecuted": "Node With Error",
            "mode": "manual",
        }
        return [[{"json": {"execution": execution, "workflow": {"id": "1", "name": "Example Workflow"}}}]]
