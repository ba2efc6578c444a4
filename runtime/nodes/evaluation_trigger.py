"""Evaluation Trigger: starts evaluations, of which this build has none."""

from typing import Any

from runtime.contract import Context, Items, Outputs, Trigger, param


class EvaluationTrigger(Trigger):
    """Passes on what a run is started with by hand; no dataset starts one."""

    type = "n8n-nodes-base.evaluationTrigger"
    versions = (4.6, 4.7)
    trigger = "manual"
    differs = "No dataset starts a run: the other triggers of the workflow do"

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
        """Return the input."""
        del context
        return [items]
