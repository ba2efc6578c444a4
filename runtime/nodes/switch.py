"""Switch: sends each item to the output of the rule it matches, or to the output whose index an expression gives."""

from typing import Any, Final, Literal

from typing_extensions import TypedDict

from runtime.contract import Context, Dynamic, Inline, Item, Items, NodeError, Outputs, param
from runtime.values.filters import Filter, evaluate_filter
from runtime.values.javascript import compare, js_number, js_string
from runtime.values.legacy_conditions import DEFAULT_OPERATION, legacy_compare
from runtime.values.problem import ProblemError
from runtime.values.validation import validate_field
from schemas.item import UNDEFINED
from schemas.node import FILTER

_RULES = {"mode": ["rules"]}
_EXPRESSION = {"mode": ["expression"]}
_DEFAULT_VALUES: dict[str, Any] = {"boolean": False, "dateTime": 0, "number": 0, "string": ""}


class Rule(TypedDict, total=False):
    """A rule of versions 1 and 2."""

    operation: str
    value2: Any
    output: Any
    outputKey: str


class Rules(TypedDict, total=False):
    """The rules of versions 1 and 2."""

    rules: list[Rule]


class _Ports:
    """The items of each output so far."""

    def __init__(self, count: int) -> None:
        self.lists: list[Items | None] = [[] for _ in range(count)]

    def put(self, index: Any, item: Item) -> None:
        """Add an item to an output. Raise what JavaScript raises for an output that is not there."""
        number = index if isinstance(index, int | float) else _index(index)
        if number != number or number != int(number) or not 0 <= number < len(self.lists):  # noqa: PLR0124  # NaN
            raise NodeError("Cannot read properties of undefined (reading 'push')")
        port = self.lists[int(number)]
        assert port is not None
        port.append(item)

    def fail(self, context: Context, problem: ProblemError | NodeError, i: int) -> None:
        """Put an error item on output 0 under continueOnFail, or raise."""
        if context.continue_on_fail:
            port = self.lists[0] if self.lists else None
            if port is None:
                raise NodeError("Cannot read properties of undefined (reading 'push')")
            port.append({"json": {"error": problem.message}})
        elif isinstance(problem, NodeError):
            raise problem
        else:
            raise NodeError(problem.message, description=problem.description, item=i) from problem


def _index(value: Any) -> float:
    """Return an array index that is written as text; anything else is none."""
    if isinstance(value, str) and value.isdecimal() and (value == "0" or value[0] != "0"):
        return int(value)
    return float("nan")


def _in_range(index: Any, count: Any) -> bool:
    """`0 <= index < count` with JavaScript's comparisons; what is no number passes."""
    return compare(index, 0) != -1 and compare(index, count) not in (0, 1)


_OF_OTHER_NODES: Final = ("isEmpty", "isNotEmpty")
"""What IF and Filter compare by in their first versions, and Switch does not."""


class _SwitchV1To2(Inline):
    """The rules of versions 1 and 2: one value against rules of one type, the first match wins."""

    mode: Dynamic[Literal["expression", "rules"]] = param("rules")
    data_type: Dynamic[Literal["boolean", "dateTime", "number", "string"]] = param("number", show=_RULES)
    value1_boolean: Dynamic[bool] = param(False, alias="value1", show=_RULES | {"dataType": ["boolean"]})
    value1_date_time: Dynamic[str] = param("", alias="value1", show=_RULES | {"dataType": ["dateTime"]})
    value1_number: Dynamic[float] = param(0, alias="value1", show=_RULES | {"dataType": ["number"]})
    value1_string: Dynamic[str] = param("", alias="value1", show=_RULES | {"dataType": ["string"]})
    rules: Dynamic[Rules] = param({}, show=_RULES)

    def _match(self, p: "_SwitchV1To2") -> tuple[int, Rule] | None:
        """Return the first rule that holds, and its place."""
        type_ = js_string(p.data_type)
        if type_ not in _DEFAULT_VALUES and not str(self.data_type).startswith("="):
            raise NodeError('Could not get parameter "value1"')
        value1 = self._value1(p, type_)
        written = self.rules.get("rules") or ()
        for place, (raw, rule) in enumerate(zip(written, (p.rules or {}).get("rules") or (), strict=False)):
            value2 = rule.get("value2", UNDEFINED if "value2" in raw else _DEFAULT_VALUES.get(type_))
            operation = rule.get("operation", DEFAULT_OPERATION.get(type_, "equal"))
            try:
                if legacy_compare(type_, "" if operation in _OF_OTHER_NODES else operation, value1, value2):
                    return place, rule
            except ProblemError as problem:
                message = problem.message.replace("compareData.", "ruleData.")
                raise ProblemError(message, problem.description, kind=problem.kind) from problem
        return None

    @staticmethod
    def _value1(p: "_SwitchV1To2", type_: str) -> Any:
        field = {"boolean": "value1_boolean", "dateTime": "value1_date_time", "number": "value1_number"}
        return p.given(field.get(type_, "value1_string"))

    def _check_output(self, index: Any, count: Any) -> Any:
        if not _in_range(index, count):
            last = js_string(js_number(count) - 1)
            raise NodeError(f"The ouput {js_string(index)} is not allowed. It has to be between 0 and {last}!")
        return index


class SwitchV1(_SwitchV1To2):
    """Switch, version 1: four outputs."""

    type = "n8n-nodes-base.switch"
    versions = (1,)
    exact_values = True

    output: Dynamic[float] = param(0, show=_EXPRESSION)
    fallback_output: Dynamic[float] = param(-1, show=_RULES)

    def outputs(self, version: float) -> int:
        """Return four."""
        del version
        return 4

    def run(self, context: Context, items: Items) -> Outputs:
        """Send each item to one output, or nowhere."""
        ports = _Ports(4)
        for i, item in enumerate(items):
            try:
                p = context.resolve(self, i)
                self._send(p, ports, item)
            except (ProblemError, NodeError) as problem:
                ports.fail(context, problem, i)
        return ports.lists

    def _send(self, p: "SwitchV1", ports: _Ports, item: Item) -> None:
        if p.mode == "expression":
            ports.put(self._check_output(p.output, 4), item)
            return
        if p.mode != "rules":
            return
        match = self._match(p)
        if match is not None:
            ports.put(self._check_output(match[1].get("output", 0), 4), item)
        elif p.fallback_output != -1:
            ports.put(self._check_output(p.fallback_output, 4), item)


class SwitchV2(_SwitchV1To2):
    """Switch, version 2: an output per rule, or a number of outputs."""

    type = "n8n-nodes-base.switch"
    versions = (2,)
    exact_values = True

    output: Dynamic[Any] = param("", show=_EXPRESSION)
    outputs_amount: Dynamic[float] = param(4, show=_EXPRESSION)
    fallback_output: Dynamic[Any] = param(-1, show=_RULES)

    def outputs(self, version: float) -> int:
        """Return one output per rule, or the number in the parameters."""
        del version
        if self.mode == "expression":
            return _count(self.outputs_amount)
        return len(self.rules.get("rules") or ())

    def run(self, context: Context, items: Items) -> Outputs:
        """Send each item to one output, or nowhere."""
        if not items:
            return []
        ports = _Ports(self._count(context))
        for i, item in enumerate(items):
            try:
                self._send(context.resolve(self, i), ports, item)
            except (ProblemError, NodeError) as problem:
                ports.fail(context, problem, i)
        return ports.lists

    def _count(self, context: Context) -> int:
        first = context.resolve(self, 0)
        if first.mode == "expression":
            return _count(first.outputs_amount)
        return len((first.rules or {}).get("rules") or ())

    def _send(self, p: "SwitchV2", ports: _Ports, item: Item) -> None:
        count = len(ports.lists)
        if p.mode == "expression":
            ports.put(self._check_output(p.output, count), item)
            return
        match = self._match(p)
        if match is not None:
            ports.put(self._check_output(match[0], count), item)
        elif p.fallback_output != -1:
            ports.put(self._check_output(p.fallback_output, count), item)


def _count(value: Any) -> int:
    """Return the length of `new Array(value)`: what is no number makes an array of one."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return int(value) if value > 0 else 0
    return 1


class FilterRule(TypedDict, total=False):
    """A rule since version 3."""

    conditions: Filter
    renameOutput: bool
    outputKey: str


class FilterRules(TypedDict, total=False):
    """The rules since version 3."""

    values: list[FilterRule]


_FIRST_RULE: dict[str, Any] = {
    "values": [
        {
            "conditions": {
                "options": {"caseSensitive": True, "leftValue": "", "typeValidation": "strict"},
                "conditions": [
                    {"leftValue": "", "rightValue": "", "operator": {"type": "string", "operation": "equals"}}
                ],
                "combinator": "and",
            }
        }
    ]
}


_INSIDE: dict[str, Any] = {"values[].conditions": FILTER, "values[]": {"conditions": {}, "renameOutput": False}}


class SwitchV3(Inline):
    """Switch, since version 3: an output per rule, each rule a filter."""

    type = "n8n-nodes-base.switch"
    versions = (3, 3.1, 3.2, 3.3, 3.4)
    exact_values = True

    mode: Literal["rules", "expression"] = param("rules")
    number_outputs: Dynamic[float] = param(4, show=_EXPRESSION)
    output: Dynamic[Any] = param("={{}}", show=_EXPRESSION)
    rules: Dynamic[FilterRules] = param(_FIRST_RULE, show=_RULES, fill=_INSIDE)
    loose_type_validation: Dynamic[bool] = param(False, show={"@version": [{"_cnd": {"gte": 3.1}}]})
    options: Dynamic[dict[str, Any]] = param({}, show=_RULES)

    def outputs(self, version: float) -> int:
        """Return one output per rule, and one more for an extra fallback."""
        del version
        if self.mode == "expression":
            return _count(self.number_outputs)
        if self.mode != "rules":
            return 0
        return len(self.rules.get("values") or ()) + (self.options.get("fallbackOutput") == "extra")

    def run(self, context: Context, items: Items) -> Outputs:
        """Send each item to the output of its first rule (or of all its rules), to the fallback, or nowhere."""
        if not items:
            return [[]]
        if self.mode == "expression":
            return self._by_expression(context, items)
        if self.mode != "rules":
            return [[]]
        ports = _Ports(self._rule_outputs(context))
        for i, item in enumerate(items):
            try:
                self._send(context.resolve(self, i), ports, item, context, i)
            except (ProblemError, NodeError) as problem:
                ports.fail(context, problem, i)
        return ports.lists or [[]]

    def _rule_outputs(self, context: Context) -> int:
        first = context.resolve(self, 0)
        rules = (first.rules or {}).get("values") or ()
        return len(rules) + bool(rules and (first.options or {}).get("fallbackOutput") == "extra")

    def _send(self, p: "SwitchV3", ports: _Ports, item: Item, context: Context, i: int) -> None:
        options = p.options or {}
        rules = (p.rules or {}).get("values") or ()
        matched = not rules  # without rules there is no fallback either
        for place, rule in enumerate(rules):
            if not evaluate_filter(rule.get("conditions") or {}, i, zone=context.timezone, now_ms=context.now):
                continue
            matched = True
            ports.put(place, item)
            if not options.get("allMatchingOutputs"):
                break
        fallback = options.get("fallbackOutput", "none")
        if matched or fallback == "none":
            return
        if fallback == "extra":
            ports.put(len(ports.lists) - 1, item)
        else:
            _check_range(fallback, len(ports.lists), i)
            ports.put(fallback, item)

    def _by_expression(self, context: Context, items: Items) -> Outputs:
        constant = context.version >= 3.3  # n8n evaluates no expression here any more
        ports = _Ports(_count((self if constant else context.resolve(self, 0)).number_outputs))
        for i, item in enumerate(items):
            try:
                index = _number(context.resolve(self, i).output, i)
                _check_range(index, len(ports.lists), i)
                ports.put(index, item)
            except NodeError as problem:
                ports.fail(context, problem, i)
        return ports.lists


def _check_range(index: Any, count: int, i: int) -> None:
    if index is None or _in_range(index, count):
        return
    if index == count:
        hint = f"Output indexes are zero based, if you want to use the extra output use {count - 1}"
        raise NodeError(f"The ouput {js_string(index)} is not allowed. ", description=hint, item=i)
    hint = f"It has to be between 0 and {count - 1}"
    raise NodeError(f"The ouput {js_string(index)} is not allowed", description=hint, item=i)


def _number(value: Any, i: int) -> Any:
    """Return `output` as a number, null for nothing. Raise NodeError as n8n does when it is none."""
    checked = validate_field("output", value, "number")
    if checked.error is not None:
        raise NodeError(f"Invalid input for 'Output Index' [item {i}]", description=checked.error, item=i)
    return checked.value
