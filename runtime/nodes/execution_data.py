"""Execution Data: saves custom data of the run and passes its items on."""

from typing import Any, Final, Literal

from typing_extensions import TypedDict

from runtime.contract import Context, Dynamic, Inline, Items, Outputs, param
from runtime.values.javascript import js_string

_MAX_KEY_CHARACTERS: Final = 50
_MAX_VALUE_CHARACTERS: Final = 512


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
    exact_values = True
    one_item_each = True

    operation: Literal["save"] = param("save")
    data_to_save: Dynamic[DataToSave] = param({}, show={"operation": ["save"]})

    def run(self, context: Context, items: Items) -> Outputs:
        """Return the input. n8n keeps 50 characters of a key and 512 of a value; an entry without a key is left out."""
        for i in range(len(items)):
            for each in context.resolve(self, i).data_to_save.get("values") or ():
                if key := js_string(each.get("key", ""))[:_MAX_KEY_CHARACTERS]:
                    context.custom_data[key] = js_string(each.get("value", ""))[:_MAX_VALUE_CHARACTERS]
        return [items]
