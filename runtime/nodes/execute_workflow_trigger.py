"""When Executed by Another Workflow: a sub-workflow's start, with the inputs that it declares."""

import json
from typing import Any, Literal

from runtime.nodes.base import Context, Item, Items, Outputs, Trigger, param

SINCE_INPUTS = {"@version": [{"_cnd": {"gte": 1.1}}]}


class ExecuteWorkflowTrigger(Trigger):
    """Version 1 and `passthrough` pass items on; otherwise each item keeps the declared fields, a missing one is null."""

    type = "n8n-nodes-base.executeWorkflowTrigger"
    versions = (1, 1.1, 1.2)
    trigger = "workflow"

    events: str = param("worklfow_call")
    input_source: Literal["workflowInputs", "jsonExample", "passthrough"] = param("workflowInputs", show=SINCE_INPUTS)
    json_example: str = param(
        '{\n  "aField": "a string",\n  "aNumber": 123,\n  "thisFieldAcceptsAnyType": null,\n  "anArray": []\n}',
        show=SINCE_INPUTS | {"inputSource": ["jsonExample"]},
    )
    workflow_inputs: dict[str, Any] = param({}, show=SINCE_INPUTS | {"inputSource": ["workflowInputs"]})
    return_output: Literal["allRuns", "lastRunOnly"] = param("lastRunOnly", show={"@version": [{"_cnd": {"lt": 1.2}}]})

    def run(self, context: Context, items: Items) -> Outputs:
        """The declared fields of every item; files stay."""
        names = self._names() if context.version > 1 and self.input_source != "passthrough" else []
        return [[_kept(item, names) for item in items] if names else items]

    def _names(self) -> list[str]:
        if self.input_source == "jsonExample":
            example = json.loads(self.json_example)
            return list(example) if isinstance(example, dict) else []
        values = self.workflow_inputs.get("values") or []
        return [str(each.get("name", "")) for each in values]


def _kept(item: Item, names: list[str]) -> Item:
    return {**item, "json": {name: item["json"].get(name) for name in names}}
