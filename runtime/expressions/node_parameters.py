"""What `$node["X"].parameter` shows: parameters at the top evaluate their expressions where they are read, as n8n does."""

from collections.abc import Mapping
from typing import Any

from runtime.expressions.rendering import as_script
from schemas.expression import Invalid, Literal, Script
from schemas.plan import Step

__all__ = ["shown_parameters"]


def shown_parameters(step: Step, programs: list[Script]) -> dict[str, Any]:
    """Return how the parameters of a step that are no plain values are read, by name: `{"value": ...}`, `{"error": [message,
    description]}` or `{"program": index}` among `programs`, to which their scripts are added.

    A script whose cost is not linear stays as it is written.
    """
    shown: dict[str, Any] = {
        name: {"value": value.get("value")} for name, value in step.parameters.items() if _is_locator(value)
    }
    for placed in step.expressions:
        name = str(placed.at[0])
        value = step.parameters.get(name)
        whole = placed.at == (name,) and isinstance(value, str) and value.startswith("=")
        if not whole and not (placed.at == (name, "value") and _is_locator(value)):
            continue
        expression = placed.expression
        if isinstance(expression, Literal):
            shown[name] = {"value": expression.value}
        elif isinstance(expression, Invalid):
            shown[name] = {"error": [expression.message, expression.description]}
        else:
            script = expression if isinstance(expression, Script) else as_script(expression)
            if script.linear and not script.writes:
                shown[name] = {"program": len(programs)}
                programs.append(script)
    return shown


def _is_locator(value: Any) -> bool:
    """Return whether a value is a resource locator: read as a parameter, it is what it locates."""
    return isinstance(value, Mapping) and bool(value.get("__rl"))
