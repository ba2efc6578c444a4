"""Evaluation: its inputs, outputs and metrics, in runs that are no evaluations."""

import math
from typing import Any, Final, Literal

from runtime.contract import Context, Dynamic, Inline, Item, Items, NodeError, Outputs, param
from runtime.values.javascript import js_number, js_string
from schemas.node import Conditions

_METRICS: Final[Conditions] = {"operation": ["setMetrics"]}
_OUTPUTS: Final[Conditions] = {"operation": ["setOutputs"]}
_ADVICE: Final = "compute the metric with a Code node, and set it as a custom metric"
_EMPTY: Final[dict[str, Any]] = {"mode": "list", "value": ""}


class Evaluation(Inline):
    """Passes its items on, or gives the metrics of each. No run here is an evaluation, so that nothing is written into a dataset."""

    type = "n8n-nodes-base.evaluation"
    versions = (4.6, 4.7, 4.8)
    differs = "No run is an evaluation: outputs are written into no dataset, and metrics are not stored"

    operation: Literal["setInputs", "setOutputs", "setMetrics", "checkIfEvaluating"] = param("setOutputs")
    source: str = param("googleSheets", since={4.8: "dataTable"}, show=_OUTPUTS)
    authentication: str = param("oAuth2", hide={"source": ["dataTable"]})
    credentials: str = param("", hide={"source": ["dataTable"]})
    inputs: Dynamic[dict[str, Any]] = param({}, show={"operation": ["setInputs"]})
    document_id: Dynamic[dict[str, Any]] = param(
        _EMPTY, show=_OUTPUTS, hide={"source": ["dataTable"]}, required=True, label="Document Containing Dataset"
    )
    sheet_name: Dynamic[dict[str, Any]] = param(
        _EMPTY, show=_OUTPUTS, hide={"source": ["dataTable"]}, required=True, label="Sheet Containing Dataset"
    )
    data_table_id: Dynamic[dict[str, Any]] = param(
        _EMPTY, show={**_OUTPUTS, "source": ["dataTable"]}, required=True, label="Data table"
    )
    given_outputs: Dynamic[dict[str, Any]] = param({}, alias="outputs", show=_OUTPUTS)
    metric: str = param(
        "customMetrics",
        since={4.7: "correctness"},
        show=_METRICS,
        unsupported=dict.fromkeys(
            ("correctness", "helpfulness", "stringSimilarity", "categorization", "toolsUsed"), _ADVICE
        ),
    )
    metrics: Dynamic[dict[str, Any]] = param({}, show={**_METRICS, "metric": ["customMetrics"]})

    def outputs(self, version: float) -> int:
        """Return two outputs for the question whether the run is an evaluation."""
        del version
        return 2 if self.operation == "checkIfEvaluating" else 1

    def run(self, context: Context, items: Items) -> Outputs:
        """Return the items, or the metrics of each."""
        if self.operation == "checkIfEvaluating":
            return [[], items]
        if self.operation != "setMetrics":
            return [items]
        return [[{**self._metrics(context, i), "pairedItem": {"item": i}} for i in range(len(items))]]

    def _metrics(self, context: Context, i: int) -> Item:
        given = context.resolve(self, i).metrics
        assigned = given.get("assignments")
        found: dict[str, Any] = {}
        for each in assigned or []:
            name = js_string(each.get("name") or "")
            if not name:
                raise NodeError("Metric name missing", description="Make sure each metric you define has a name")
            number = float(js_number(each.get("value")))
            if math.isnan(number):
                advice = f"It's currently '{js_string(each.get('value'))}'. Metrics must be numeric."
                raise NodeError(f"Value for '{name}' isn't a number", description=advice)
            found[name] = int(number) if number.is_integer() else number
        return {"json": found}
