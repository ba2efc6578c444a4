"""Execution Data: saves custom data of the run and passes its items on."""

from typing import Any, Literal

from typing_extensions import TypedDict

from runtime.nodes.base import Context, Dynamic, Inline, Items, Outputs, param


class Saved(TypedDict, total=False):
    """One key and its value."""

    key: Any
    value: Any


class DataToSave(TypedDict, total=False):
    """What to save."""

    values: list[Saved]


class ExecutionData(Inline):
    """Saves key-value pairs with the run."""

    type = "n8n-nodes-base.executionData"
    versions = (1, 1.1)

    operation: Literal["save"] = param("save")
    data_to_save: Dynamic[DataToSave] = param({}, show={"operation": ["save"]})

    def run(self, context: Context, items: Items) -> Outputs:
        """The input is the output."""
        for i in range(len(items)):
            context.resolve(self, i)
        return [items]
