"""When Executed by Another Workflow: a sub-workflow's start, with the inputs that it declares."""

from collections.abc import Iterator
from typing import Any, Literal

from runtime.contract import Context, Item, Items, NodeError, Outputs, Trigger, param
from runtime.values.javascript import js_typeof
from runtime.values.json_text import NotJsonError, parse_json
from schemas.diagnostic import Diagnostic, Location
from schemas.diagnostic.nodes import InvalidParameter

SINCE_INPUTS = {"@version": [{"_cnd": {"gte": 1.1}}]}


class ExecuteWorkflowTrigger(Trigger):
    """Version 1 and `passthrough` pass items on; otherwise each item keeps the declared fields, a missing one is null."""

    type = "n8n-nodes-base.executeWorkflowTrigger"
    versions = (1, 1.1, 1.2)
    trigger = "workflow"
    has_caller = True

    events: str = param("worklfow_call")
    notice: str = param("", show={"@version": [1]})
    outdated_version_warning: str = param("", show={"@version": [1]})
    input_source: Literal["workflowInputs", "jsonExample", "passthrough"] = param("workflowInputs", show=SINCE_INPUTS)
    json_example_notice: str = param(
        "", alias="jsonExample_notice", show=SINCE_INPUTS | {"inputSource": ["jsonExample"]}
    )
    json_example: str = param(
        '{\n  "aField": "a string",\n  "aNumber": 123,\n  "thisFieldAcceptsAnyType": null,\n  "anArray": []\n}',
        show=SINCE_INPUTS | {"inputSource": ["jsonExample"]},
    )
    workflow_inputs: dict[str, Any] = param({}, show=SINCE_INPUTS | {"inputSource": ["workflowInputs"]})
    return_output: Literal["allRuns", "lastRunOnly"] = param("lastRunOnly", show={"@version": [{"_cnd": {"lt": 1.2}}]})

    def check(self, at: Location, version: float) -> Iterator[Diagnostic]:
        """Report an empty list of declared fields: n8n wants at least one."""
        if version > 1 and self.input_source == "workflowInputs" and not self.workflow_inputs.get("values"):
            yield InvalidParameter(at=at.within("parameters", "workflowInputs"), reason="At least 1 field is required.")

    def returns_all_runs(self, version: float) -> bool:
        """Return whether every run of the last node is the sub-workflow's result, or only its last one."""
        return version >= 1.2 or self.return_output == "allRuns"

    def run(self, context: Context, items: Items) -> Outputs:
        """Return the declared fields of every item; files stay."""
        names = self._names() if context.version > 1 and self.input_source != "passthrough" else None
        return [[_declared_fields(item, names) for item in items]]

    def _names(self) -> list[str]:
        if self.input_source == "jsonExample":
            return _example(self.json_example)
        values = self.workflow_inputs.get("values") or []
        return [str(each.get("name", "")) for each in values]


def _example(text: str) -> list[str]:
    try:
        example = parse_json(text)
    except NotJsonError as error:
        raise NodeError(error.message) from None
    if not isinstance(example, dict):
        kind = "array" if isinstance(example, list) else "null" if example is None else js_typeof(example)
        raise NodeError(f"Invalid JSON schema type. Only object type is supported, but got {kind}")
    return list(example)


def _declared_fields(item: Item, names: list[str] | None) -> Item:
    """Return the declared fields: one that is missing is null, one that the caller gave no value stays away."""
    absent = item.get("absent", ())
    output: Item = {**item}
    output.pop("absent", None)
    if names is not None:
        output["json"] = {name: item["json"].get(name) for name in names if name not in absent}
    return output
