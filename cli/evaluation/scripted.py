"""The scripted model: no model at all. It answers a case with what its checks ask for, so that a run without a key shows that
prompts, schemas, cases, checks and the report work. It says nothing about the quality of a prompt.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx

from cli.evaluation.case import EvaluationCase
from cli.evaluation.check import Check
from runtime.platform.embedded.fake_vendor import smallest

__all__ = ["LABEL", "ScriptedTransport", "scripted_answer"]

LABEL: Final = "scripted"
"""The model's name in reports and usage."""

Change = Callable[[Any, Mapping[str, Any]], Any]


def scripted_answer(schema: Mapping[str, Any], case: EvaluationCase) -> Any:
    """Return the smallest answer that fits the schema, changed until it passes the checks of the case.

    Raises:
        ValueError: the checks contradict each other or the schema.
    """
    answer = smallest(schema)
    for check in case.all_checks:
        if check.failures(answer):
            answer = _satisfied(answer, schema, check)
    if failures := case.failures(answer):
        raise ValueError(f"{case.name}: no answer can pass: {'; '.join(failures)}")
    return answer


def _satisfied(answer: Any, schema: Mapping[str, Any], check: Check) -> Any:
    path = check.field.split(".") if check.field else []
    for condition, change_to in _CHANGES.items():
        if condition in check.model_fields_set:
            answer = _put(answer, schema, path, change_to(getattr(check, condition)))
    if "includes" in check.model_fields_set:
        wanted = check.includes[0] if isinstance(check.includes, list) else check.includes
        answer = _with_element(answer, schema, path, wanted)
    return answer


def _put(value: Any, schema: Mapping[str, Any], path: list[str], change: Change) -> Any:
    """Return the value with the part at the path changed; elements that are not there are made."""
    if not path:
        return change(value, schema)
    head, *rest = path
    if head == "*" or head.isdigit():
        items = schema["items"]
        elements = list(value)
        while len(elements) <= (0 if head == "*" else int(head)):
            elements.append(smallest(items))
        at = range(len(elements)) if head == "*" else [int(head)]
        return [_put(each, items, rest, change) if n in at else each for n, each in enumerate(elements)]
    part = schema.get("properties", {}).get(head, {})
    value = value if isinstance(value, dict) else {}
    return {**value, head: _put(value.get(head, smallest(part)), part, rest, change)}


def _with_element(answer: Any, schema: Mapping[str, Any], path: list[str], wanted: Any) -> Any:
    """Return the answer with one more element of the list in the path, which has the wanted value."""
    at = path.index("*")

    def add(value: Any, part: Mapping[str, Any]) -> Any:
        return [*value, _put(smallest(part["items"]), part["items"], path[at + 1 :], lambda *_: wanted)]

    return _put(answer, schema, path[:at], add)


def _with_text(value: Any, schema: Mapping[str, Any], text: str) -> Any:
    if isinstance(value, list):
        elements = value or [smallest(schema["items"])]
        return [_with_text(elements[0], schema["items"], text), *elements[1:]]
    if isinstance(value, dict):
        key = next(
            name for name, each in schema["properties"].items() if each.get("type") == "string" and "enum" not in each
        )
        return {**value, key: _with_text(value[key], schema["properties"][key], text)}
    longer = f"{value} {text}" if isinstance(value, str) else text
    return longer if len(longer) <= schema.get("maxLength", len(longer)) else text


def _other(wanted: Any) -> Change:
    def change(value: Any, schema: Mapping[str, Any]) -> Any:
        return next(each for each in schema["enum"] if each != wanted) if value == wanted else value

    return change


def _more(wanted: int) -> Change:
    return lambda value, schema: [*value, *[smallest(schema["items"])] * (wanted - len(value))]


def _with_mention(wanted: list[str]) -> Change:
    return lambda value, schema: _with_text(value, schema, wanted[0])


_CHANGES: Final[dict[str, Callable[[Any], Change]]] = {
    "min_items": _more,
    "max_items": lambda wanted: lambda value, _: value[:wanted],
    "equals": lambda wanted: lambda *_: wanted,
    "one_of": lambda wanted: lambda *_: wanted[0],
    "min": lambda wanted: lambda value, _: max(value, _whole(wanted)),
    "max": lambda wanted: lambda value, _: min(value, _whole(wanted)),
    "excludes": _other,
    "mentions": _with_mention,
    "max_length": lambda wanted: lambda value, _: value[:wanted],
    "min_length": lambda wanted: lambda value, _: value.ljust(wanted, "."),
}
"""Condition -> what makes a value meet it. `absent` has none: the smallest answer says nothing."""


def _whole(number: float) -> float:
    return int(number) if float(number).is_integer() else number


class ScriptedTransport(httpx.AsyncBaseTransport):
    """Answers each request of a case as OpenAI would, with the scripted answer."""

    def __init__(self, schema: Mapping[str, Any], case: EvaluationCase) -> None:
        self._arguments = json.dumps({"output": scripted_answer(schema, case)})

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return a call of the last tool, the one for the answer."""
        asked = json.loads(await request.aread())
        call = {"name": asked["tools"][-1]["function"]["name"], "arguments": self._arguments}
        message = {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "1", "type": "function", "function": call}],
        }
        usage = {"prompt_tokens": len(json.dumps(asked)) // 4, "completion_tokens": len(self._arguments) // 4}
        return httpx.Response(200, json={"model": LABEL, "choices": [{"message": message}], "usage": usage})
