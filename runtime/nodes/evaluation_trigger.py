"""Evaluation Trigger: starts evaluations, of which this build has none."""

from typing import Any

from runtime.contract import Context, Items, NodeError, Outputs, Trigger, param


class EvaluationTrigger(Trigger):
    """Is in a workflow beside the trigger of its real runs; a run that starts here fails, since it would read a dataset."""

    type = "n8n-nodes-base.evaluationTrigger"
    versions = (4.6, 4.7)
    trigger = "manual"
    differs = "Evaluations do not run: the workflow runs from its other triggers"

    source: str = param("googleSheets", since={4.7: "dataTable"})
    authentication: str = param("oAuth2")
    credentials: str = param("")
    document_id: dict[str, Any] = param({"mode": "list", "value": ""})
    sheet_name: dict[str, Any] = param({"mode": "list", "value": ""})
    data_table_id: dict[str, Any] = param({"mode": "list", "value": ""})
    limit_rows: bool = param(False)
    max_rows: float = param(10)
    filters_ui: dict[str, Any] = param({}, alias="filtersUI")
    filter_rows: bool = param(False)
    match_type: str = param("anyCondition")
    filters: dict[str, Any] = param({})

    def run(self, context: Context, items: Items) -> Outputs:
        """Raise NodeError."""
        del context, items
        raise NodeError("Evaluations do not run here", description="Start the workflow from another of its triggers.")
